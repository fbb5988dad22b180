//! What a schema says of a document's members, which a validator does not ask:
//! are they known at all, and are open lists of values kept to?

use std::collections::BTreeMap;

use serde_json::Value;

use super::documents::{Documents, Schema};

/// Every member that a schema knows, its bases' included.
pub(super) struct Shape<'a> {
    pub(super) members: BTreeMap<&'a str, Vec<Schema<'a>>>,
    rest: Rest<'a>,
}

/// What is said of members without a name.
#[derive(Clone, Copy)]
enum Rest<'a> {
    Nothing,
    Anything,
    Like(Schema<'a>),
}

/// Something that validates and is noteworthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    /// A JSON pointer.
    pub(super) at: String,
    pub(super) kind: RemarkKind,
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RemarkKind {
    /// A member that no schema knows.
    UnknownMember,
    /// A discriminator's value that names no definition.
    UnknownKind,
    /// A value outside a list that is open (`modelAsString`).
    OpenValue,
}

/// A schema's members.
pub(super) fn shape<'a>(documents: &'a Documents, schema: Schema<'a>) -> Shape<'a> {
    let mut shape = Shape {
        members: BTreeMap::new(),
        rest: Rest::Nothing,
    };
    let mut says_rest = false;
    let mut parts = vec![schema];
    while let Some(part) = parts.pop() {
        let Some((_, part)) = documents.followed(part) else {
            // What is not here could say anything.
            says_rest = true;
            shape.rest = Rest::Anything;
            continue;
        };
        for (name, member) in part.node["properties"].as_object().into_iter().flatten() {
            shape
                .members
                .entry(name)
                .or_default()
                .push(part.beside(member));
        }
        match &part.node["additionalProperties"] {
            Value::Null => {}
            Value::Bool(false) => says_rest = true,
            Value::Object(like) if !like.is_empty() => {
                says_rest = true;
                shape.rest = Rest::Like(part.beside(&part.node["additionalProperties"]));
            }
            _ => {
                says_rest = true;
                shape.rest = Rest::Anything;
            }
        }
        parts.extend(part.extended());
    }
    if shape.members.is_empty() && !says_rest {
        // `"type": "object"` and no more is how documents say *any object*.
        shape.rest = Rest::Anything;
    }
    shape
}

/// Whether a member is for answers only.
pub(super) fn is_read_only(documents: &Documents, member: Schema<'_>) -> bool {
    member.node["readOnly"] == true
        || documents
            .followed(member)
            .is_some_and(|(_, target)| target.node["readOnly"] == true)
}

/// Whether values outside the list may come.
pub(super) fn is_open(node: &Value) -> bool {
    node["x-ms-enum"]["modelAsString"] == true
}

/// What there is to remark.
pub(super) fn remarks(documents: &Documents, schema: Schema<'_>, value: &Value) -> Vec<Remark> {
    let mut remarks = Vec::new();
    walk(documents, schema, value, "", &mut remarks);
    remarks
}

fn walk(documents: &Documents, schema: Schema<'_>, value: &Value, at: &str, out: &mut Vec<Remark>) {
    let Some((key, schema)) = documents.followed(schema) else {
        return;
    };
    match value {
        Value::Object(object) => {
            let schema = chosen(documents, key.as_deref(), value, at, out).unwrap_or(schema);
            let shape = shape(documents, schema);
            for (name, value) in object {
                let below = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                match (shape.members.get(name.as_str()), shape.rest) {
                    (Some(schemas), _) => {
                        // A member that is described twice is described alike.
                        if let Some(first) = schemas.first() {
                            walk(documents, *first, value, &below, out);
                        }
                    }
                    (None, Rest::Like(like)) => walk(documents, like, value, &below, out),
                    (None, Rest::Anything) => {}
                    (None, Rest::Nothing) => out.push(Remark {
                        at: below,
                        kind: RemarkKind::UnknownMember,
                        text: format!("no member `{name}` is documented"),
                    }),
                }
            }
        }
        Value::Array(elements) => {
            let items = &schema.node["items"];
            if items.is_object() {
                for (index, element) in elements.iter().enumerate() {
                    let below = format!("{at}/{index}");
                    walk(documents, schema.beside(items), element, &below, out);
                }
            }
        }
        value => {
            let listed = schema.node["enum"].as_array();
            if is_open(schema.node) && listed.is_some_and(|listed| !listed.contains(value)) {
                out.push(Remark {
                    at: at.to_owned(),
                    kind: RemarkKind::OpenValue,
                    text: format!("{value} is not in the open list of values"),
                });
            }
        }
    }
}

/// The definition that the discriminator's value chooses.
fn chosen<'a>(
    documents: &'a Documents,
    key: Option<&str>,
    value: &Value,
    at: &str,
    out: &mut Vec<Remark>,
) -> Option<Schema<'a>> {
    let key = key?;
    let (member, kinds) = documents.kinds(key)?;
    let named = value[member].as_str()?;
    if let Some(kind) = kinds.iter().find(|kind| kind.value == named) {
        return documents.named(&kind.key);
    }
    if documents.own_kind(key) != Some(named) {
        out.push(Remark {
            at: format!("{at}/{member}"),
            kind: RemarkKind::UnknownKind,
            text: format!("`{named}` names no documented kind"),
        });
    }
    None
}
