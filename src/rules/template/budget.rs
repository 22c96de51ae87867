//! What one expansion may take: calls of functions, and bytes that they make.
//!
//! `gotmpl` hands nothing but arguments to a function, so the budget of the expansion under way is that of its thread.

use std::cell::RefCell;

use gotmpl::{TemplateError, Value, ValueFunc};

use super::judgement::Judgement;
use super::value;
use crate::limits::{
    TEMPLATE_CALLS_MAX, TEMPLATE_MADE_MAX_BYTES, TEMPLATE_NESTED_MAX, TEMPLATE_TEXT_MAX_BYTES,
    TEMPLATE_VALUE_MAX_BYTES,
};

thread_local! {
    static UNDER_WAY: RefCell<Option<Budget>> = const { RefCell::new(None) };
}

/// What is left to the expansion under way.
struct Budget {
    judgement: Judgement,
    calls: u32,
    bytes: usize,
}

/// Ends the budget of an expansion, however that ends.
struct Ends;

impl Drop for Ends {
    fn drop(&mut self) {
        UNDER_WAY.set(None);
    }
}

/// Runs an expansion within its own budget.
pub(super) fn within<T>(judgement: &Judgement, expand: impl FnOnce() -> T) -> T {
    let judgement = judgement.clone();
    UNDER_WAY.set(Some(Budget { judgement, calls: TEMPLATE_CALLS_MAX, bytes: TEMPLATE_MADE_MAX_BYTES }));
    let _ends = Ends;
    expand()
}

/// Takes a call of a function, or a round of `range`, from the budget.
pub(super) fn take_call() -> Result<(), TemplateError> {
    UNDER_WAY.with_borrow_mut(|budget| {
        let Some(budget) = budget else { return Ok(()) };
        if let Some(why) = budget.judgement.stopped() {
            return Err(TemplateError::Exec(why));
        }
        budget.calls = budget.calls.checked_sub(1).ok_or_else(|| {
            TemplateError::Exec(format!("the template calls functions more than {TEMPLATE_CALLS_MAX} times"))
        })?;
        Ok(())
    })
}

/// Takes bytes that a function is given or makes from the budget.
fn take_bytes(bytes: usize) -> Result<(), TemplateError> {
    UNDER_WAY.with_borrow_mut(|budget| {
        let Some(budget) = budget else { return Ok(()) };
        budget.bytes = budget.bytes.checked_sub(bytes).ok_or_else(|| {
            TemplateError::Exec(format!("the template makes more than {TEMPLATE_MADE_MAX_BYTES} bytes"))
        })?;
        Ok(())
    })
}

/// A function that takes from the budget what it is given and makes. One that `picks` takes a part out of what it is given,
/// or puts it into a map, and looks at no more of it.
pub(super) fn bounded(function: ValueFunc, picks: bool) -> ValueFunc {
    std::sync::Arc::new(move |args| {
        take_call()?;
        if !picks {
            args.iter().try_for_each(take_text)?;
        }
        let made = function(args)?;
        if let Value::String(_) = made {
            take_text(&made)?;
        }
        Ok(made)
    })
}

/// Takes what becomes part of a text.
fn take_text(value: &Value) -> Result<(), TemplateError> {
    match value::weight(value, TEMPLATE_TEXT_MAX_BYTES) {
        Some(weight) => take_bytes(weight.bytes),
        None => Err(too_long()),
    }
}

/// Takes a value that is made of others.
pub(super) fn take_value(value: &Value) -> Result<(), TemplateError> {
    match value::weight(value, TEMPLATE_VALUE_MAX_BYTES) {
        Some(weight) if weight.depth > TEMPLATE_NESTED_MAX => Err(TemplateError::Exec(format!(
            "values are in each other more than {TEMPLATE_NESTED_MAX} times"
        ))),
        Some(weight) => take_bytes(weight.bytes),
        None => Err(TemplateError::Exec(format!("a value has more than {TEMPLATE_VALUE_MAX_BYTES} bytes"))),
    }
}

/// The error of a text that is too long.
pub(super) fn too_long() -> TemplateError {
    TemplateError::Exec(format!("the text has more than {TEMPLATE_TEXT_MAX_BYTES} bytes"))
}
