//! Documents held against the schemas that are published of them.
//!
//! By the part of JSON Schema that these use: a keyword that is not known here fails, so that none is passed over.
//! (A whole validator would bring some eighty crates.)

use serde_json::Value;

/// A schema of `schemas/`, as text.
pub struct Schema(pub &'static str);

impl Schema {
    /// Fails unless a document is what the schema says.
    #[track_caller]
    pub fn holds(&self, document: &Value) {
        let wrong = self.wrongs(document);
        assert!(wrong.is_empty(), "{wrong:#?}\n{document:#}");
    }

    /// What is not as it says, each with its place.
    pub fn wrongs(&self, document: &Value) -> Vec<String> {
        let schema: Value = serde_json::from_str(self.0).unwrap();
        let mut wrong = Vec::new();
        against(&schema, &schema, document, "$", &mut wrong);
        wrong
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("type {other}"),
    }
}

fn against(whole: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    for (keyword, says) in schema.as_object().unwrap() {
        let mut holds = |is: bool| {
            if !is {
                wrong.push(format!("{at}: {keyword} {says}: {value}"));
            }
        };
        match keyword.as_str() {
            "$schema" | "$id" | "title" | "description" | "$defs" => {}
            "type" => holds(match says {
                Value::String(kind) => is(value, kind),
                kinds => kinds.as_array().unwrap().iter().any(|kind| is(value, kind.as_str().unwrap())),
            }),
            "const" => holds(value == says),
            "enum" => holds(says.as_array().unwrap().contains(value)),
            "minimum" => holds(value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap())),
            "minLength" => {
                holds(value.as_str().is_none_or(|text| text.len() as u64 >= says.as_u64().unwrap()));
            }
            "required" => {
                let all = says.as_array().unwrap();
                all.iter().for_each(|key| holds(value.get(key.as_str().unwrap()).is_some()));
            }
            "properties" => {
                for (key, schema) in says.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        against(whole, schema, value, &format!("{at}.{key}"), wrong);
                    }
                }
            }
            "additionalProperties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    against(whole, says, value, &format!("{at}.{key}"), wrong);
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    against(whole, says, value, &format!("{at}[{index}]"), wrong);
                }
            }
            "anyOf" => {
                let fits = |schema: &Value| {
                    let mut wrong = Vec::new();
                    against(whole, schema, value, at, &mut wrong);
                    wrong.is_empty()
                };
                holds(says.as_array().unwrap().iter().any(fits));
            }
            "$ref" => {
                let place = says.as_str().unwrap().strip_prefix('#').unwrap();
                against(whole, whole.pointer(place).unwrap(), value, at, wrong);
            }
            other => panic!("the schema uses {other:?}, which this test does not know"),
        }
    }
}
