//! Operations: paths with parameters in them, and which of them a request means.

use std::collections::BTreeSet;

use serde_json::Value;

use super::documents::{Documents, Schema};
use super::exchange::{self, Exchange};

const METHODS: [&str; 7] = ["get", "put", "post", "patch", "delete", "head", "options"];
/// What the last but one segment of a URL that is polled is called.
const POLLED: [&str; 6] = [
    "operationResults",
    "operationsStatus",
    "operationStatus",
    "operations",
    "backupOperationResults",
    "backupOperations",
];

/// An operation of a document.
pub(super) struct Operation<'a> {
    /// The `operationId`.
    pub(super) id: &'a str,
    /// The document's file name without its ending.
    pub(super) document: &'a str,
    /// The api-version that the document describes.
    pub(super) version: &'a str,
    pub(super) long_running: bool,
    /// Whether its answers may name a next page.
    pub(super) pageable: bool,
    pub(super) responses: Schema<'a>,
    pub(super) parameters: Vec<Parameter<'a>>,
    method: String,
    template: Vec<Segment<'a>>,
    /// Parts of the query that are part of the path (`x-ms-paths`).
    fixed_query: Vec<(String, String)>,
}

/// A parameter of an operation.
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    pub(super) place: Place,
    pub(super) required: bool,
    /// The body's schema; elsewhere the parameter itself, which reads like one.
    pub(super) schema: Schema<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Body,
    Path,
    Query,
    /// Headers of requests are not logged.
    Other,
}

#[derive(Debug)]
enum Segment<'a> {
    Literal(&'a str),
    Parameter(&'a str),
}

/// What a request means.
pub(super) enum Meaning<'o, 'a> {
    /// This operation, with the path's parameters.
    Operation(&'o Operation<'a>, Vec<(&'a str, &'o str)>),
    /// A path that is documented for other methods.
    Methods(String),
    Nothing,
}

/// Every operation of the documents.
pub(super) fn operations(documents: &Documents) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (file, document) in documents.files() {
        let base = document["basePath"].as_str().unwrap_or_default();
        for paths in ["paths", "x-ms-paths"] {
            for (path, item) in document[paths].as_object().into_iter().flatten() {
                let item = Schema { file, node: item };
                for method in METHODS {
                    if item.node[method].is_object() {
                        let root = Root {
                            file,
                            document,
                            base,
                        };
                        operations.push(operation(documents, root, path, item, method));
                    }
                }
            }
        }
    }
    operations
}

#[derive(Clone, Copy)]
struct Root<'a> {
    file: &'a str,
    document: &'a Value,
    base: &'a str,
}

fn operation<'a>(
    documents: &'a Documents,
    root: Root<'a>,
    path: &'a str,
    item: Schema<'a>,
    method: &str,
) -> Operation<'a> {
    let node = &item.node[method];
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segments = |path: &'a str| path.split('/').filter(|segment| !segment.is_empty());
    let template = segments(root.base).chain(segments(path));
    let own = node["parameters"].as_array();
    let shared = item.node["parameters"].as_array();
    let mut parameters: Vec<Parameter<'a>> = Vec::new();
    // An operation's own parameter takes the place of its path's.
    for parameter in own.into_iter().chain(shared).flatten() {
        if let Some(parameter) = parameter_of(documents, item.beside(parameter))
            && !parameters
                .iter()
                .any(|known| (known.name, known.place) == (parameter.name, parameter.place))
        {
            parameters.push(parameter);
        }
    }
    let name = root
        .file
        .rsplit_once('/')
        .map_or(root.file, |(_, name)| name);
    Operation {
        id: node["operationId"].as_str().unwrap_or(path),
        document: name.trim_end_matches(".json"),
        version: root.document["info"]["version"]
            .as_str()
            .unwrap_or_default(),
        long_running: node["x-ms-long-running-operation"] == true,
        pageable: node["x-ms-pageable"].is_object(),
        responses: item.beside(&node["responses"]),
        parameters,
        method: method.to_uppercase(),
        template: template
            .map(|segment| {
                let name = segment
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'));
                name.map_or(Segment::Literal(segment), Segment::Parameter)
            })
            .collect(),
        fixed_query: exchange::pairs(query),
    }
}

fn parameter_of<'a>(documents: &'a Documents, parameter: Schema<'a>) -> Option<Parameter<'a>> {
    let (_, parameter) = documents.followed(parameter)?;
    let place = match parameter.node["in"].as_str()? {
        "body" => Place::Body,
        "path" => Place::Path,
        "query" => Place::Query,
        _ => Place::Other,
    };
    Some(Parameter {
        name: parameter.node["name"].as_str()?,
        place,
        required: parameter.node["required"] == true,
        schema: match place {
            Place::Body => parameter.beside(&parameter.node["schema"]),
            _ => parameter,
        },
    })
}

impl<'a> Operation<'a> {
    pub(super) fn body(&self) -> Option<&Parameter<'a>> {
        let mut parameters = self.parameters.iter();
        parameters.find(|parameter| parameter.place == Place::Body)
    }

    /// Whether its URL is one that Azure gives out to be polled.
    pub(super) fn is_polled(&self) -> bool {
        let last = self.template.iter().rev().take(2);
        self.method == "GET"
            && last.into_iter().any(|segment| match segment {
                Segment::Literal(literal) => POLLED.contains(literal),
                Segment::Parameter(_) => false,
            })
    }

    pub(super) fn is_fixed_query(&self, name: &str) -> bool {
        self.fixed_query.iter().any(|(fixed, _)| fixed == name)
    }

    /// The path's parameters; `None` for another path. Literals match in any
    /// case, as they do for Resource Manager.
    fn parameters_in<'o>(&self, exchange: &'o Exchange) -> Option<Vec<(&'a str, &'o str)>> {
        let (path, query) = (&exchange.path, &exchange.query);
        let is_same = self.template.len() == path.len()
            && self.fixed_query.iter().all(|fixed| query.contains(fixed));
        if !is_same {
            return None;
        }
        let mut parameters = Vec::new();
        for (segment, given) in self.template.iter().zip(path) {
            match segment {
                Segment::Literal(literal) if literal.eq_ignore_ascii_case(given) => {}
                Segment::Literal(_) => return None,
                Segment::Parameter(name) => parameters.push((*name, given.as_str())),
            }
        }
        Some(parameters)
    }

    /// The more literal, the better; earlier literals decide between equals.
    fn rank(&self) -> (usize, usize, Vec<bool>) {
        let literal: Vec<bool> = self
            .template
            .iter()
            .map(|segment| matches!(segment, Segment::Literal(_)))
            .collect();
        let count = literal.iter().filter(|literal| **literal).count();
        (count, self.fixed_query.len(), literal)
    }
}

/// Which operation a request means.
pub(super) fn meaning<'o, 'a>(
    operations: &'o [Operation<'a>],
    exchange: &'o Exchange,
) -> Meaning<'o, 'a> {
    let matching: Vec<_> = operations
        .iter()
        .filter_map(|operation| Some((operation, operation.parameters_in(exchange)?)))
        .collect();
    let of_method = matching
        .iter()
        .filter(|(operation, _)| operation.method == exchange.method);
    if let Some((operation, parameters)) = of_method.max_by_key(|(operation, _)| operation.rank()) {
        return Meaning::Operation(operation, parameters.clone());
    }
    let methods: BTreeSet<&str> = matching
        .iter()
        .map(|(operation, _)| operation.method.as_str())
        .collect();
    if methods.is_empty() {
        Meaning::Nothing
    } else {
        Meaning::Methods(methods.into_iter().collect::<Vec<_>>().join(", "))
    }
}
