//! `schemas/iolab.observe-1.schema.json` says what is in a document.

use serde_json::json;

use super::schema::Schema;
use super::script;

pub const SCHEMA: Schema = Schema(include_str!("../../schemas/iolab.observe-1.schema.json"));

#[test]
fn documents_are_what_the_schema_says() {
    SCHEMA.holds(&script("sleep 0.1 & wait").run().document(0));
    SCHEMA.holds(&script("sleep 0.1").without_privileges().run().document(0));
}

#[test]
fn a_number_without_its_rung_or_reason_would_not_pass_for_one() {
    let mut document = script("true").run().document(0);
    document["processes"][0]["syscalls"] = json!({ "value": -1 });
    assert_eq!(SCHEMA.wrongs(&document).len(), 1, "{:?}", SCHEMA.wrongs(&document));
    document["processes"][0]["cpu_ns"] = json!(12);
    assert!(SCHEMA.wrongs(&document).len() >= 2);
}
