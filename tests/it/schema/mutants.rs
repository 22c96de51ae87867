//! Configurations with one value replaced, removed or added: what the reader accepts the schema accepts.

use serde_json::{Map, Value, json};

use super::{Home, every_key, repository, verdicts};

/// Of the refused ones every so many-th is given to the schema as well, to save time.
const REFUSED_STEP: usize = 8;

/// Values that stand in for each value.
fn probes() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(7),
        json!(1.5),
        json!(""),
        json!("x"),
        json!("5s"),
        json!("ok"),
        json!([]),
        json!(["x"]),
        json!({}),
        json!({ "x": "x" }),
    ]
}

/// The configuration with every key, as JSON. It is read in another language, as merge keys are no part of JSON.
fn whole() -> Value {
    let python = std::env::var("CUSTOS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let program = "import json, sys; from ruamel.yaml import YAML; yaml = YAML(typ='safe', pure=True); \
        yaml.constructor.add_constructor('tag:yaml.org,2002:timestamp', type(yaml.constructor).construct_yaml_str); \
        print(json.dumps(yaml.load(open(sys.argv[1], encoding='utf-8'))))";
    let file = repository().join("tests/it/schema/every_key.yaml");
    let output = std::process::Command::new(python).args(["-c", program]).arg(file).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every value with one change somewhere below `value`.
fn changed(value: &Value) -> Vec<Value> {
    let mut all = probes();
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let with = |replaced: Option<Value>| {
                    let mut map: Map<String, Value> = map.clone();
                    match replaced {
                        Some(replaced) => map.insert(key.clone(), replaced),
                        None => map.remove(key),
                    };
                    Value::Object(map)
                };
                all.push(with(None));
                all.extend(changed(inner).into_iter().map(|inner| with(Some(inner))));
            }
            let mut more = map.clone();
            more.insert("strange".to_owned(), json!("x"));
            all.push(Value::Object(more));
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                for inner in changed(inner) {
                    let mut items = items.clone();
                    items[index] = inner;
                    all.push(Value::Array(items));
                }
            }
        }
        _ => {}
    }
    all
}

#[test]
fn what_the_reader_accepts_fits_the_schema() {
    let home = Home::new();
    let whole = whole();
    assert_eq!(home.mistakes(&whole.to_string()), None);
    assert_eq!(home.mistakes(&every_key()), None);
    let mutants: Vec<String> = changed(&whole).iter().map(Value::to_string).collect();
    let (accepted, refused): (Vec<String>, Vec<String>) =
        mutants.into_iter().partition(|text| home.mistakes(text).is_none());
    assert!(accepted.len() > 400 && refused.len() > 1000, "{} and {}", accepted.len(), refused.len());
    let verdicts_of_accepted = verdicts(&accepted);
    let judged = verdicts_of_accepted.iter().zip(&accepted);
    let strict: Vec<_> = judged.filter(|(verdict, _)| *verdict != "ok").take(3).collect();
    assert!(strict.is_empty(), "the schema refuses what the reader accepts: {strict:#?}");

    // And it finds most of what the reader refuses.
    let sample: Vec<String> = refused.into_iter().step_by(REFUSED_STEP).collect();
    let missed: Vec<_> =
        verdicts(&sample).into_iter().zip(&sample).filter(|(verdict, _)| verdict == "ok").collect();
    assert!(missed.len() * 4 < sample.len(), "the schema misses {} of {}", missed.len(), sample.len());
}
