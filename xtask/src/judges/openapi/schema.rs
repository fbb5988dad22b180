//! Swagger 2.0's schemas as JSON Schema, for a validator that knows no Swagger.
//!
//! Swagger's schemas are draft 4 with additions. What is made of them is draft 7,
//! because its `if` and `then` say what a discriminator means: a value that names
//! a definition makes the whole obey that definition.

use std::collections::BTreeMap;

use anyhow::anyhow;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::documents::{Documents, Schema};
use super::members;

/// Keywords that mean in draft 7 what they mean in Swagger. `format` is left out:
/// Azure's own times have no zone and seven digits.
const SAME: [&str; 10] = [
    "type",
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "multipleOf",
];

/// Who sent what is validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    /// Members that are read-only need not be there.
    Request,
    Answer,
}

/// A validator for a schema.
pub(super) fn validator(
    documents: &Documents,
    schema: Schema<'_>,
    direction: Direction,
) -> anyhow::Result<Validator> {
    let prepared = Bundle::prepare(documents, schema, direction);
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(false)
        .offline()
        .build(&prepared)
        .map_err(|error| anyhow!("a document's schema cannot be used: {error}"))
}

/// A schema and everything that it refers to, in one document.
struct Bundle<'a> {
    documents: &'a Documents,
    direction: Direction,
    /// Names in the bundle.
    names: BTreeMap<(String, Reading), usize>,
    pending: Vec<(String, Reading)>,
}

/// How a definition is meant where it is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reading {
    /// It, or whatever kind of it the discriminator names.
    AnyKind,
    /// It alone, as a part of a kind.
    Itself,
}

impl<'a> Bundle<'a> {
    fn prepare(documents: &'a Documents, schema: Schema<'a>, direction: Direction) -> Value {
        let mut bundle = Self {
            documents,
            direction,
            names: BTreeMap::new(),
            pending: Vec::new(),
        };
        let root = bundle.converted(schema, Reading::AnyKind);
        let mut definitions = Map::new();
        while let Some((key, reading)) = bundle.pending.pop() {
            let name = bundle.names[&(key.clone(), reading)].to_string();
            let definition = bundle.definition(&key, reading);
            definitions.insert(name, definition);
        }
        json!({ "allOf": [root], "definitions": definitions })
    }

    fn definition(&mut self, key: &str, reading: Reading) -> Value {
        let Some(schema) = self.documents.named(key) else {
            return json!({});
        };
        let kinds = self.documents.kinds(key);
        let (Reading::AnyKind, Some((member, kinds))) = (reading, kinds) else {
            return self.plain(schema);
        };
        let mut all = vec![self.reference(key, Reading::Itself)];
        for kind in kinds {
            let then = self.reference(&kind.key, Reading::Itself);
            all.push(json!({
                "if": { "properties": { member: { "const": kind.value } }, "required": [member] },
                "then": then,
            }));
        }
        json!({ "allOf": all })
    }

    fn reference(&mut self, key: &str, reading: Reading) -> Value {
        let next = self.names.len();
        let name = (key.to_owned(), reading);
        let number = *self.names.entry(name.clone()).or_insert_with(|| {
            self.pending.push(name);
            next
        });
        json!({ "$ref": format!("#/definitions/{number}") })
    }

    fn converted(&mut self, schema: Schema<'a>, reading: Reading) -> Value {
        let converted = match schema.node["$ref"].as_str() {
            None => self.plain(schema),
            Some(reference) => match self.documents.referred(schema.file, reference) {
                Some((key, _)) => self.reference(&key, reading),
                // The document is not here: nothing is said.
                None => json!({}),
            },
        };
        if schema.node["x-nullable"] == true {
            return json!({ "anyOf": [{ "type": "null" }, converted] });
        }
        converted
    }

    fn plain(&mut self, schema: Schema<'a>) -> Value {
        let node = schema.node;
        let mut plain = Map::new();
        for keyword in SAME {
            if let Some(value) = node.get(keyword) {
                plain.insert(keyword.to_owned(), value.clone());
            }
        }
        if node["type"] == "file" || is_any(node) {
            plain.remove("type");
        }
        if let Some(listed) = node.get("enum").filter(|_| !members::is_open(node)) {
            plain.insert("enum".to_owned(), listed.clone());
        }
        for (bound, exclusive) in [
            ("minimum", "exclusiveMinimum"),
            ("maximum", "exclusiveMaximum"),
        ] {
            if let Some(value) = node.get(bound) {
                let keyword = if node[exclusive] == true {
                    exclusive
                } else {
                    bound
                };
                plain.insert(keyword.to_owned(), value.clone());
            }
        }
        if let Some(properties) = node["properties"].as_object() {
            plain.entry("type").or_insert_with(|| json!("object"));
            let properties: Map<String, Value> = properties
                .iter()
                .map(|(name, member)| {
                    let member = self.converted(schema.beside(member), Reading::AnyKind);
                    (name.clone(), member)
                })
                .collect();
            plain.insert("properties".to_owned(), Value::Object(properties));
        }
        if let Some(required) = self.required(schema) {
            plain.insert("required".to_owned(), required);
        }
        for keyword in ["items", "additionalProperties"] {
            match &node[keyword] {
                Value::Null => {}
                Value::Object(_) => {
                    let below = self.converted(schema.beside(&node[keyword]), Reading::AnyKind);
                    plain.insert(keyword.to_owned(), below);
                }
                other => {
                    plain.insert(keyword.to_owned(), other.clone());
                }
            }
        }
        let parts: Vec<Value> = schema
            .extended()
            .map(|part| self.converted(part, Reading::Itself))
            .collect();
        if !parts.is_empty() {
            plain.insert("allOf".to_owned(), Value::Array(parts));
        }
        Value::Object(plain)
    }

    /// The members that have to be there. A parameter's `required` is no list.
    fn required(&self, schema: Schema<'a>) -> Option<Value> {
        let mut required = schema.node["required"].as_array()?.clone();
        if self.direction == Direction::Request {
            let shape = members::shape(self.documents, schema);
            required.retain(|name| {
                let described = name.as_str().and_then(|name| shape.members.get(name));
                !described.is_some_and(|described| {
                    described
                        .iter()
                        .any(|member| members::is_read_only(self.documents, *member))
                })
            });
        }
        Some(Value::Array(required))
    }
}

/// `"type": "object"` and no more: to Microsoft's own generators that is any
/// value, and the documents' examples have arrays there.
fn is_any(node: &Value) -> bool {
    let says_more = ["properties", "additionalProperties", "allOf"];
    node["type"] == "object" && says_more.iter().all(|keyword| node.get(*keyword).is_none())
}
