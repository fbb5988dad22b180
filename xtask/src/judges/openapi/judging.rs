//! One exchange, held against the documents.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::anyhow;
use jsonschema::Validator;
use serde_json::Value;

use super::documents::{Documents, Schema};
use super::exchange::{Exchange, without_nulls};
use super::exclusion::{self, Exclusion};
use super::finding::{Finding, Judged, Side, shortened};
use super::members::{self, RemarkKind};
use super::operations::{self, Meaning, Operation, Parameter, Place};
use super::schema::{self, Direction};

/// The documents, ready to be asked.
pub(super) struct Bench<'a> {
    documents: &'a Documents,
    operations: Vec<Operation<'a>>,
    validators: RefCell<BTreeMap<(usize, Direction), Rc<Validator>>>,
    errors: Validator,
}

impl<'a> Bench<'a> {
    pub(super) fn new(documents: &'a Documents) -> anyhow::Result<Self> {
        Ok(Self {
            documents,
            operations: operations::operations(documents),
            validators: RefCell::default(),
            errors: jsonschema::options()
                .build(&exclusion::error_schema())
                .map_err(|error| anyhow!("{error}"))?,
        })
    }

    pub(super) fn operations(&self) -> usize {
        self.operations.len()
    }

    /// Holds an exchange against the documents.
    pub(super) fn judge(&self, exchange: &Exchange) -> anyhow::Result<Judged> {
        let mut judged = Judged::default();
        let (operation, parameters) = match operations::meaning(&self.operations, exchange) {
            Meaning::Operation(operation, parameters) => (operation, parameters),
            meaning => {
                match (exclusion::of_path(exchange), meaning) {
                    (Some(exclusion), _) => self.stand_in(exclusion, exchange, &mut judged)?,
                    (None, Meaning::Methods(methods)) => judged.against(
                        Side::Request,
                        "",
                        format!("this path is documented for {methods} only"),
                    ),
                    (None, _) => judged.against(Side::Request, "", "no operation has this path"),
                }
                return Ok(judged);
            }
        };
        judged.operation = Some((
            operation.document.to_owned(),
            operation.version.to_owned(),
            operation.id.to_owned(),
        ));
        for (name, value) in parameters {
            let mut described = operation.parameters.iter();
            let described = described
                .find(|parameter| parameter.place == Place::Path && parameter.name == name);
            if let Some(described) = described {
                self.parameter(described, value, &mut judged)?;
            }
        }
        self.query(operation, exchange, &mut judged)?;
        self.request_body(operation, exchange, &mut judged)?;
        if matches!(exchange.status, 401 | 429) {
            judged.exclusions.push(Exclusion::Gateway);
        } else {
            judged.answered = true;
            self.answer(operation, exchange, &mut judged)?;
        }
        Ok(judged)
    }

    /// The status of an operation looks alike everywhere: its answer is judged
    /// by a definition that is here, though its URL is not documented.
    fn stand_in(
        &self,
        exclusion: Exclusion,
        exchange: &Exchange,
        judged: &mut Judged,
    ) -> anyhow::Result<()> {
        judged.exclusions.push(exclusion);
        let Some((document, definition)) = exclusion.stand_in() else {
            return Ok(());
        };
        let key = format!("{document}.json#/definitions/{definition}");
        match self.documents.below(&key) {
            Some(schema) if exchange.status == 200 => {
                let side = Side::Answer(exchange.status);
                if exchange.answer["status"].is_null() {
                    judged.against(side, "", "no `status` where an operation is asked for");
                }
                self.body(schema, &exchange.answer, side, judged)
            }
            _ => Ok(()),
        }
    }

    fn query(
        &self,
        operation: &Operation<'a>,
        exchange: &Exchange,
        judged: &mut Judged,
    ) -> anyhow::Result<()> {
        if let Some(exclusion) = exclusion::of_query(operation, exchange) {
            judged.exclusions.push(exclusion);
            return Ok(());
        }
        let described: Vec<_> = operation
            .parameters
            .iter()
            .filter(|parameter| parameter.place == Place::Query)
            .collect();
        for (name, value) in &exchange.query {
            if let Some(parameter) = described.iter().find(|known| known.name == name) {
                self.parameter(parameter, value, judged)?;
            } else if let Some(exclusion) = exclusion::of_parameter(operation, name) {
                judged.exclusions.push(exclusion);
            } else if !operation.is_fixed_query(name) {
                let reason = format!("no query parameter `{name}` is documented");
                judged.against(Side::Request, "", reason);
            }
        }
        for parameter in described {
            let is_there = exchange
                .query
                .iter()
                .any(|(name, _)| name == parameter.name);
            if parameter.required && !is_there {
                let reason = format!("the query lacks `{}`", parameter.name);
                judged.against(Side::Request, "", reason);
            }
        }
        Ok(())
    }

    fn parameter(
        &self,
        parameter: &Parameter<'a>,
        value: &str,
        judged: &mut Judged,
    ) -> anyhow::Result<()> {
        let text = Value::from(value);
        let typed = match parameter.schema.node["type"].as_str() {
            Some("integer" | "number" | "boolean") => serde_json::from_str(value).unwrap_or(text),
            _ => text,
        };
        let validator = self.validator(parameter.schema, Direction::Request)?;
        for error in validator.iter_errors(&typed) {
            let reason = shortened(&format!("parameter `{}`: {error}", parameter.name));
            judged.against(Side::Request, "", reason);
        }
        Ok(())
    }

    fn request_body(
        &self,
        operation: &Operation<'a>,
        exchange: &Exchange,
        judged: &mut Judged,
    ) -> anyhow::Result<()> {
        match (operation.body(), &exchange.request) {
            (None, Value::Null) => Ok(()),
            (None, _) => {
                judged.against(Side::Request, "", "a body where none is documented");
                Ok(())
            }
            (Some(parameter), Value::Null) => {
                if parameter.required {
                    judged.against(Side::Request, "", "no body where one is required");
                }
                Ok(())
            }
            (Some(parameter), body) if exchange.method == "PATCH" => {
                let (body, nulls) = without_nulls(body);
                if nulls > 0 {
                    judged.exclusions.push(Exclusion::PatchNull);
                }
                self.body(parameter.schema, &body, Side::Request, judged)
            }
            (Some(parameter), body) => self.body(parameter.schema, body, Side::Request, judged),
        }
    }

    fn answer(
        &self,
        operation: &Operation<'a>,
        exchange: &Exchange,
        judged: &mut Judged,
    ) -> anyhow::Result<()> {
        let (status, side) = (exchange.status, Side::Answer(exchange.status));
        let is_error = status >= 400;
        let responses = operation.responses;
        let documented = responses
            .node
            .get(status.to_string())
            .or_else(|| responses.node.get("default").filter(|_| is_error));
        let documented = documented
            .and_then(|response| self.documents.followed(responses.beside(response)))
            .map(|(_, response)| response);
        if is_error {
            return self.error(documented, exchange, judged);
        }
        let Some(response) = documented else {
            judged.against(side, "", "the status is not documented");
            return Ok(());
        };
        self.headers(response, exchange, judged)?;
        let status_url = exchange.header("azure-asyncoperation");
        // An operation's own status repeats the header.
        let begins = exchange.method != "GET";
        if begins && status == 202 && status_url.is_none() && exchange.header("location").is_none()
        {
            judged.against(side, "", "a 202 without a URL to be polled");
        }
        if begins && status_url.is_some() && status != 202 && !operation.long_running {
            judged.against(side, "", "a status URL from what is not long-running");
        }
        match (response.node.get("schema"), &exchange.answer) {
            (None, Value::Null) => {}
            (None, Value::Object(empty)) if empty.is_empty() && status == 202 => {
                judged.exclusions.push(Exclusion::EmptyObject);
            }
            (None, _) => judged.against(side, "", "a body where none is documented"),
            (Some(_), Value::Null) if status == 202 && operation.long_running => {
                judged.exclusions.push(Exclusion::NotYetABody);
            }
            (Some(_), Value::Null) => judged.against(side, "", "no body where one is documented"),
            (Some(schema), body) => {
                let (body, nulls) = without_nulls(body);
                if nulls > 0 {
                    judged.exclusions.push(Exclusion::NullMember);
                }
                self.body(response.beside(schema), &body, side, judged)?;
            }
        }
        Ok(())
    }

    /// An error is what Resource Manager answers, and what the operation documents.
    fn error(
        &self,
        documented: Option<Schema<'a>>,
        exchange: &Exchange,
        judged: &mut Judged,
    ) -> anyhow::Result<()> {
        let side = Side::Answer(exchange.status);
        let (body, nulls) = without_nulls(&exchange.answer);
        if nulls > 0 {
            judged.exclusions.push(Exclusion::NullMember);
        }
        for error in self.errors.iter_errors(&body) {
            judged.disagreements.push(Finding::of(&error, side));
        }
        let schema = documented
            .and_then(|response| Some(response.beside(response.node.get("schema")?)))
            .filter(|schema| {
                let shape = members::shape(self.documents, *schema);
                shape.members.contains_key("error")
            });
        let Some(schema) = schema else {
            judged.exclusions.push(Exclusion::ErrorUndocumented);
            return Ok(());
        };
        self.body(schema, &body, side, judged)
    }

    /// Headers are hints: those that are there and documented have to be of their type.
    fn headers(
        &self,
        response: Schema<'a>,
        exchange: &Exchange,
        judged: &mut Judged,
    ) -> anyhow::Result<()> {
        let documented = response.node["headers"].as_object();
        for (name, header) in documented.into_iter().flatten() {
            let Some(value) = exchange.header(name) else {
                continue;
            };
            let typed = match header["type"].as_str() {
                Some("string") | None => Value::from(value),
                Some(_) => serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)),
            };
            let validator = self.validator(response.beside(header), Direction::Answer)?;
            for error in validator.iter_errors(&typed) {
                let reason = shortened(&format!("header `{name}`: {error}"));
                judged.against(Side::Answer(exchange.status), "", reason);
            }
        }
        Ok(())
    }

    fn body(
        &self,
        schema: Schema<'a>,
        body: &Value,
        side: Side,
        judged: &mut Judged,
    ) -> anyhow::Result<()> {
        let direction = match side {
            Side::Request => Direction::Request,
            Side::Answer(_) => Direction::Answer,
        };
        let validator = self.validator(schema, direction)?;
        for error in validator.iter_errors(body) {
            let finding = Finding::of(&error, side);
            // Definitions that share a base say the same.
            if !judged.disagreements.contains(&finding) {
                judged.disagreements.push(finding);
            }
        }
        for remark in members::remarks(self.documents, schema, body) {
            let finding = Finding {
                side,
                at: remark.at,
                reason: remark.text,
            };
            match (side, remark.kind) {
                // A misspelt member would be ignored, in silence.
                (Side::Request, RemarkKind::UnknownMember | RemarkKind::UnknownKind) => {
                    judged.disagreements.push(finding);
                }
                _ => judged.warnings.push(finding),
            }
        }
        Ok(())
    }

    fn validator(&self, schema: Schema<'a>, direction: Direction) -> anyhow::Result<Rc<Validator>> {
        // The documents stay where they are for as long as the bench stands.
        let key = (std::ptr::from_ref(schema.node).addr(), direction);
        if let Some(known) = self.validators.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let made = Rc::new(schema::validator(self.documents, schema, direction)?);
        self.validators.borrow_mut().insert(key, Rc::clone(&made));
        Ok(made)
    }
}
