//! The judge can fail: documents of two files, and exchanges that part from them.

use serde_json::{Value, json};

use super::documents::Documents;
use super::exchange::Exchange;
use super::exclusion::Exclusion;
use super::finding::{Finding, Judged, Side};
use super::judging::Bench;

fn documents() -> Documents {
    let zoo = json!({
        "swagger": "2.0",
        "info": { "title": "Zoo", "version": "2020-01-01" },
        "paths": paths(),
        "definitions": definitions(),
    });
    Documents::new(
        [
            ("zoo.json".to_owned(), zoo),
            ("types/types.json".to_owned(), types()),
        ]
        .into(),
    )
}

fn paths() -> Value {
    json!({
        "/cages/{cage}": {
            "parameters": [{ "$ref": "types/types.json#/parameters/ApiVersion" }],
            "get": {
                "operationId": "Cages_Get",
                "parameters": [
                    { "name": "cage", "in": "path", "type": "string", "required": true, "pattern": "^[a-z]+$" },
                    { "name": "$filter", "in": "query", "type": "string" },
                    { "name": "top", "in": "query", "type": "integer" },
                ],
                "responses": {
                    "200": { "description": "", "schema": { "$ref": "#/definitions/Cage" } },
                    "default": { "description": "", "schema": { "$ref": "types/types.json#/definitions/Error" } },
                },
            },
            "put": {
                "operationId": "Cages_Put",
                "x-ms-long-running-operation": true,
                "parameters": [
                    { "name": "cage", "in": "path", "type": "string", "required": true },
                    { "name": "body", "in": "body", "required": true, "schema": { "$ref": "#/definitions/Cage" } },
                ],
                "responses": {
                    "200": { "description": "", "schema": { "$ref": "#/definitions/Cage" } },
                    "202": { "description": "" },
                },
            },
        },
        "/cages/all": {
            "get": {
                "operationId": "Cages_List",
                "parameters": [{ "$ref": "types/types.json#/parameters/ApiVersion" }],
                "responses": { "200": { "description": "", "schema": {
                    "type": "object",
                    "properties": { "value": { "type": "array", "items": { "$ref": "#/definitions/Cage" } } },
                } } },
            },
        },
        "/cages/{cage}/operationResults/{id}": {
            "get": {
                "operationId": "Results_Get",
                "parameters": [{ "$ref": "types/types.json#/parameters/ApiVersion" }],
                "responses": { "202": { "description": "" }, "204": { "description": "" } },
            },
        },
    })
}

fn definitions() -> Value {
    json!({
        "Cage": {
            "allOf": [{ "$ref": "types/types.json#/definitions/Resource" }],
            "required": ["animal", "id"],
            "properties": {
                "animal": { "$ref": "#/definitions/Animal" },
                "lock": { "type": "string", "enum": ["Open", "Shut"] },
                "mood": { "type": "string", "enum": ["Good"], "x-ms-enum": { "modelAsString": true } },
                "notes": { "type": "object", "additionalProperties": { "type": "string" } },
                "anything": { "type": "object" },
                "since": { "type": "string", "format": "date-time" },
            },
        },
        "Animal": {
            "discriminator": "kind",
            "required": ["kind"],
            "properties": { "kind": { "type": "string" }, "legs": { "type": "integer" } },
        },
        "Bird": {
            "x-ms-discriminator-value": "bird",
            "allOf": [{ "$ref": "#/definitions/Animal" }],
            "required": ["wings"],
            "properties": { "wings": { "type": "integer", "minimum": 1 } },
        },
        "Penguin": {
            "allOf": [{ "$ref": "#/definitions/Bird" }],
            "properties": { "swims": { "type": "boolean" } },
        },
    })
}

fn types() -> Value {
    json!({
        "swagger": "2.0",
        "info": { "title": "Types", "version": "1" },
        "paths": {},
        "definitions": {
            "Resource": { "properties": {
                "id": { "type": "string", "readOnly": true },
                "name": { "$ref": "#/definitions/Name" },
            } },
            "Name": { "type": "string", "maxLength": 8 },
            "Error": {
                "required": ["error"],
                "properties": { "error": { "type": "object", "required": ["code"], "properties": {
                    "code": { "type": "string" }, "message": { "type": "string" }, "rank": { "type": "integer" },
                } } },
            },
        },
        "parameters": {
            "ApiVersion": { "name": "api-version", "in": "query", "required": true, "type": "string" },
        },
    })
}

fn judged(entry: &Value) -> Judged {
    let documents = documents();
    let bench = Bench::new(&documents).unwrap();
    bench.judge(&Exchange::read(entry).unwrap()).unwrap()
}

fn get(target: &str, status: u16, answer: &Value) -> Judged {
    judged(&json!({
        "method": "GET", "url": format!("https://arm.test{target}"),
        "status": status, "headers": {}, "response_body": answer,
    }))
}

/// A PUT of this cage, answered as it should be.
fn put(cage: &Value) -> Judged {
    judged(&json!({
        "method": "PUT", "url": "/cages/a?api-version=1", "request_body": cage,
        "status": 202, "headers": { "Location": "https://arm.test/cages/a/operationResults/1" },
    }))
}

fn cage() -> Value {
    json!({ "id": "/cages/a", "animal": { "kind": "bird", "wings": 2 } })
}

/// Side, place and the beginning of the reason of each disagreement.
#[track_caller]
fn assert_found(judged: &Judged, expected: &[(Side, &str, &str)]) {
    let found = &judged.disagreements;
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (side, at, reason)) in found.iter().zip(expected) {
        assert_eq!((found.side, found.at.as_str()), (*side, *at), "{found:#?}");
        assert!(found.reason.contains(reason), "{found:#?}");
    }
}

#[test]
fn what_is_documented_agrees() {
    let fine = json!({
        "animal": { "kind": "bird", "wings": 2, "legs": 2 }, "name": "a", "lock": "Shut",
        "notes": { "any": "text" }, "anything": [1], "since": "0001-01-01T00:00:00",
    });
    // The id is for answers only, so a request need not have it.
    assert_found(&put(&fine), &[]);
    let read = get("/CAGES/a?api-version=1&$filter=x&top=3", 200, &cage());
    assert_found(&read, &[]);
    assert_eq!(read.operation.unwrap().2, "Cages_Get");
    let error = json!({ "error": { "code": "NoCage", "message": "none" } });
    assert_found(&get("/cages/a?api-version=1", 404, &error), &[]);
}

#[test]
fn wrong_types_are_found() {
    let wrong = json!({ "animal": { "kind": "bird", "wings": "two" }, "lock": "Ajar" });
    assert_found(
        &put(&wrong),
        &[
            (Side::Request, "/animal/wings", "is not of type \"integer\""),
            (Side::Request, "/lock", "\"Ajar\" is not one of"),
        ],
    );
    let read = get("/cages/a1?api-version=1&top=many", 200, &cage());
    assert_found(
        &read,
        &[
            (Side::Request, "", "parameter `cage`"),
            (Side::Request, "", "parameter `top`"),
        ],
    );
}

#[test]
fn unknown_members_are_found_in_requests_and_noted_in_answers() {
    let typo = json!({
        "animal": { "kind": "bird", "wings": 2, "colour": "red" }, "nmae": "a", "mood": "Bad",
    });
    let written = put(&typo);
    assert_found(
        &written,
        &[
            (Side::Request, "/animal/colour", "no member `colour`"),
            (Side::Request, "/nmae", "no member `nmae`"),
        ],
    );
    let open = Finding {
        side: Side::Request,
        at: "/mood".to_owned(),
        reason: "\"Bad\" is not in the open list of values".to_owned(),
    };
    assert_eq!(written.warnings, [open]);
    let mut answer = cage();
    answer["extra"] = json!(1);
    let read = get("/cages/a?api-version=1", 200, &answer);
    assert_found(&read, &[]);
    assert_eq!(read.warnings.len(), 1);
}

#[test]
fn missing_members_are_found() {
    let found = [(Side::Request, "", "\"animal\" is a required property")];
    assert_found(&put(&json!({})), &found);
    let answer = json!({ "animal": { "kind": "bird", "wings": 2 } });
    let found = [(Side::Answer(200), "", "\"id\" is a required property")];
    assert_found(&get("/cages/a?api-version=1", 200, &answer), &found);
    let null = json!({ "id": null, "animal": { "kind": "bird", "wings": 2 } });
    assert_found(&get("/cages/a?api-version=1", 200, &null), &found);
}

#[test]
fn a_discriminator_chooses_the_definition() {
    let found = [(Side::Request, "/animal", "\"wings\" is a required property")];
    assert_found(&put(&json!({ "animal": { "kind": "bird" } })), &found);
    // Two steps away from the base, and named by its definition.
    let penguin =
        |swims: Value| json!({ "animal": { "kind": "Penguin", "wings": 2, "swims": swims } });
    assert_found(&put(&penguin(json!(true))), &[]);
    let found = [(Side::Request, "/animal/swims", "is not of type \"boolean\"")];
    assert_found(&put(&penguin(json!("yes"))), &found);
    // A bird that is no penguin has no such member.
    let bird = json!({ "animal": { "kind": "bird", "wings": 2, "swims": true } });
    let found = [(Side::Request, "/animal/swims", "no member `swims`")];
    assert_found(&put(&bird), &found);
    let unicorn = json!({ "animal": { "kind": "unicorn" } });
    let found = [(
        Side::Request,
        "/animal/kind",
        "`unicorn` names no documented kind",
    )];
    assert_found(&put(&unicorn), &found);
}

#[test]
fn references_lead_across_files() {
    let mut long = cage();
    long["name"] = json!("longer than eight");
    let found = [(Side::Request, "/name", "is longer than 8 characters")];
    assert_found(&put(&long), &found);
    let error = json!({ "error": { "code": "C", "message": "M", "rank": "high" } });
    let found = [(
        Side::Answer(409),
        "/error/rank",
        "is not of type \"integer\"",
    )];
    assert_found(&get("/cages/a?api-version=1", 409, &error), &found);
}

#[test]
fn undocumented_statuses_are_found() {
    let found = [(Side::Answer(204), "", "the status is not documented")];
    assert_found(&get("/cages/a?api-version=1", 204, &Value::Null), &found);
    // Errors have a form even where no error is documented.
    let error = json!({ "error": { "code": "NoCages", "message": "none" } });
    let read = get("/cages/all?api-version=1", 404, &error);
    assert_found(&read, &[]);
    assert_eq!(read.exclusions, [Exclusion::ErrorUndocumented]);
    let found = [(Side::Answer(500), "", "is not of type \"object\"")];
    assert_found(
        &get("/cages/all?api-version=1", 500, &json!("oops")),
        &found,
    );
    let throttled = get("/cages/all?api-version=1", 429, &json!("wait"));
    assert_eq!(throttled.exclusions, [Exclusion::Gateway]);
}

#[test]
fn unknown_operations_are_found() {
    let found = [(Side::Request, "", "no operation has this path")];
    assert_found(&get("/cagse/a?api-version=1", 200, &Value::Null), &found);
    let post = json!({ "method": "POST", "url": "/cages/a?api-version=1", "status": 200 });
    let found = [(Side::Request, "", "documented for GET, PUT only")];
    assert_found(&judged(&post), &found);
    let group = get("/subscriptions/s?api-version=1", 200, &Value::Null);
    assert_found(&group, &[]);
    assert_eq!(group.exclusions, [Exclusion::NoDocument]);
}

#[test]
fn literal_paths_win() {
    let list = get(
        "/cages/all?api-version=1",
        200,
        &json!({ "value": [cage()] }),
    );
    assert_found(&list, &[]);
    assert_eq!(list.operation.unwrap().2, "Cages_List");
}

#[test]
fn queries_are_judged() {
    let found = [
        (Side::Request, "", "no query parameter `$fliter`"),
        (Side::Request, "", "the query lacks `api-version`"),
    ];
    assert_found(&get("/cages/a?$fliter=x", 200, &cage()), &found);
    let signed = "/cages/a/operationResults/1?api-version=1&t=1&c=2&s=3&h=4";
    let polled = get(signed, 202, &json!({}));
    assert_found(&polled, &[]);
    assert_eq!(polled.exclusions.len(), 5);
}

#[test]
fn bodies_are_where_they_are_documented() {
    let found = [(Side::Request, "", "no body where one is required")];
    assert_found(&put(&Value::Null), &found);
    let found = [(Side::Answer(200), "", "no body where one is documented")];
    assert_found(&get("/cages/a?api-version=1", 200, &Value::Null), &found);
    let body = json!({
        "method": "GET", "url": "/cages/a?api-version=1", "request_body": {},
        "status": 200, "response_body": cage(),
    });
    let found = [(Side::Request, "", "a body where none is documented")];
    assert_found(&judged(&body), &found);
    let lost = json!({
        "method": "PUT", "url": "/cages/a?api-version=1", "request_body": cage(), "status": 202,
    });
    let found = [(Side::Answer(202), "", "a 202 without a URL to be polled")];
    assert_found(&judged(&lost), &found);
}
