//! What the expansions of one judgement of a rule share: an end, and the answers to their queries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use custos_promql::Labels;
use gotmpl::Value;

use super::value;
use crate::limits::{TEMPLATE_ANSWERS_MAX_BYTES, TEMPLATE_QUERIES_MAX};

/// What `{{ query … }}` asks: an expression, at the time of the evaluation.
pub type QueryFunction = Arc<dyn Fn(&str) -> Result<Vec<(Labels, f64)>, String> + Send + Sync>;

/// Says why expansions have to end now, if they have to.
pub type StopFunction = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// What the expansions of one judgement of a rule share. Clones share it as well.
#[derive(Clone, Default)]
pub struct Judgement {
    stop: Option<StopFunction>,
    answers: Arc<Mutex<Answers>>,
}

/// What queries of this judgement were answered.
#[derive(Default)]
struct Answers {
    by_text: HashMap<String, Result<Value, String>>,
    bytes: usize,
}

impl Judgement {
    /// One that ends when this says so. The default one has no end.
    pub fn until(stop: StopFunction) -> Judgement {
        Judgement { stop: Some(stop), answers: Arc::default() }
    }

    /// Another one with the same end.
    pub fn next(&self) -> Judgement {
        Judgement { stop: self.stop.clone(), answers: Arc::default() }
    }

    /// Why it has to end now, if it has to.
    pub fn stopped(&self) -> Option<String> {
        self.stop.as_ref().and_then(|stop| stop())
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a query. The same text is asked once.
    pub(super) fn answer(&self, text: &str, query: &QueryFunction) -> Result<Value, String> {
        if let Some(known) = self.answers().by_text.get(text) {
            return known.clone();
        }
        if self.answers().by_text.len() >= TEMPLATE_QUERIES_MAX {
            return Err(format!("the templates of the rule ask more than {TEMPLATE_QUERIES_MAX} queries"));
        }
        let answer = query(text).map(|elements| {
            Value::List(elements.iter().map(|(labels, value)| value::sample(labels, *value)).collect())
        });
        let of_answer = match &answer {
            Ok(list) => value::weight(list, TEMPLATE_ANSWERS_MAX_BYTES).map(|weight| weight.bytes),
            Err(why) => Some(why.len()),
        };
        let mut answers = self.answers();
        let bytes = answers.bytes.saturating_add(text.len()).saturating_add(of_answer.unwrap_or(usize::MAX));
        if bytes > TEMPLATE_ANSWERS_MAX_BYTES {
            return Err(format!(
                "the templates of the rule are answered more than {TEMPLATE_ANSWERS_MAX_BYTES} bytes"
            ));
        }
        answers.bytes = bytes;
        answers.by_text.insert(text.to_owned(), answer.clone());
        answer
    }
}
