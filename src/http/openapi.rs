//! The OpenAPI document, made of the table of routes.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::patterns;
use super::problem::{Code, Problem, Whole};
use super::route::{Doc, Route, SchemaOf};
use super::routes;
use super::state::App;
use crate::model::{Referrer, ShortName};

pub(super) async fn get(State(app): State<App>) -> Response {
    let json = HeaderValue::from_static("application/json");
    let document = Bytes::clone(&app.openapi);
    ([(header::CONTENT_TYPE, json)], document).into_response()
}

/// The whole document.
pub(super) fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    let mut tags: Vec<Value> = Vec::new();
    for route in routes::table() {
        let Some(doc) = &route.doc else { continue };
        let tag = json!({ "name": tag_of(route.path) });
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = operation(&route, doc, &mut schemas);
        let of_path = paths.entry(route.path).or_insert_with(|| json!({}));
        of_path[method] = operation;
    }
    schemas.of_answer(|generator| generator.subschema_for::<Whole<'static>>());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "coursecat",
            "version": env!("CARGO_PKG_VERSION"),
            "description": env!("CARGO_PKG_DESCRIPTION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.all(),
            "headers": {
                "RequestId": {
                    "required": true,
                    "description": "The request's id: the one that it came with, or a new one. The log has it, too.",
                    "schema": { "type": "string" },
                },
            },
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key that `coursecat key create` has shown. A service without keys asks for none.",
                },
            },
        },
    })
}

/// The schemas that are met, those of what comes in and those of what goes out.
struct Schemas {
    bodies: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self {
            bodies: settings.clone().into_generator(),
            answers: settings.for_serialize().into_generator(),
        }
    }

    fn of_body(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.bodies).to_value()
    }

    fn of_answer(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.answers).to_value()
    }

    fn all(mut self) -> Map<String, Value> {
        let mut all = self.bodies.take_definitions(true);
        all.append(&mut self.answers.take_definitions(true));
        all
    }
}

fn tag_of(path: &str) -> &str {
    let mut parts = path.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (
            Some("v1"),
            Some(collection @ ("organizations" | "courses" | "runs" | "changes" | "keys")),
        ) => collection,
        _ => "service",
    }
}

fn operation(route: &Route, doc: &Doc, schemas: &mut Schemas) -> Value {
    let mut parameters: Vec<Value> = path_parameters(route.path).collect();
    if let Some(query) = doc.query {
        parameters.extend(query_parameters(query));
    }
    parameters.extend(header_parameters(route, doc, schemas));
    let mut operation = json!({
        "operationId": doc.id,
        "tags": [tag_of(route.path)],
        "summary": doc.summary,
        "responses": responses(route, doc, schemas),
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    for body in &doc.bodies {
        let mut content = json!({ "example": example(body.content_type, body.example) });
        if let Some(schema) = body.schema {
            content["schema"] = schemas.of_body(schema);
        }
        operation["requestBody"]["required"] = true.into();
        operation["requestBody"]["content"][body.content_type] = content;
    }
    if let Some(scope) = route.scope {
        operation["security"] = json!([{}, { "key": [] }]);
        operation["description"] =
            format!("Where keys are asked for, it takes one with the scope `{scope}`.").into();
    }
    operation
}

/// The parameters in a path: what stands in braces.
fn path_parameters(path: &str) -> impl Iterator<Item = Value> {
    path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        let (says, schema, example) = match name {
            "short_name" => (
                "An organization's short name, in any capitalisation.",
                json!({ "type": "string", "minLength": 1, "maxLength": ShortName::MAX_CHARS }),
                "MITx",
            ),
            "referrer" => (
                "Who refers to the record: a name.",
                json!({ "type": "string", "minLength": 1, "maxLength": Referrer::MAX_CHARS }),
                "enrollments",
            ),
            "name" => (
                "The name of a key.",
                json!({ "type": "string", "pattern": patterns::KEY_NAME, "maxLength": 100 }),
                "lms",
            ),
            _ if path.starts_with("/v1/courses") => (
                "The key of a catalog course: catalog-course:ORG:CODE.",
                json!({ "type": "string", "pattern": patterns::CATALOG_COURSE_KEY }),
                "catalog-course:MITx:8.01x",
            ),
            _ => (
                "The key of a run: course-v1:ORG+COURSE+RUN. A legacy key may keep its slashes.",
                json!({ "$ref": "#/components/schemas/CourseKey" }),
                "course-v1:MITx+8.01x+2026_T1",
            ),
        };
        Some(json!({
            "name": name, "in": "path", "required": true, "description": says,
            "schema": schema, "example": example,
        }))
    })
}

/// The headers that it heeds.
fn header_parameters(route: &Route, doc: &Doc, schemas: &mut Schemas) -> Vec<Value> {
    let mut parameters = Vec::new();
    let tags = json!({ "anyOf": [
        { "type": "string", "enum": ["*"] },
        { "type": "string", "pattern": patterns::TAGS },
    ]});
    let tag = "\"1f0c6a0f8b0d4e0b9c1d2e3f4a5b6c7d\"";
    if doc.has_tag && route.method.is_safe() {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "schema": tags, "example": tag,
            "description": "The ETag of the representation that is known: 304 if it is still the one.",
        }));
    } else if route.is_conditional {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "schema": tags,
            "examples": {
                "any": { "summary": "Whatever it is.", "value": "*" },
                "this": { "summary": "Only what has been seen.", "value": tag },
            },
            "description": "The ETag that the record must still have: 412 if it has another.",
        }));
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "schema": tags, "example": tag,
            "description": "An ETag that the record must not have, or * if there must be none: 412 otherwise.",
        }));
    }
    for (name, says, schema) in &doc.headers {
        parameters.push(json!({
            "name": name, "in": "header", "schema": schemas.of_body(*schema), "description": says,
        }));
    }
    parameters
}

/// The parameters in a query string: the fields of its type.
fn query_parameters(query: SchemaOf) -> Vec<Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
    });
    let schema = query(&mut settings.into_generator()).to_value();
    let fields = schema["properties"].as_object();
    let mut parameters = Vec::new();
    for (name, field) in fields.into_iter().flatten() {
        let mut field = field.clone();
        // What may be left out need not be null, too.
        if let Some(types) = field.get("type").and_then(Value::as_array) {
            let first = types.first().cloned();
            field["type"] = first.unwrap_or_default();
        }
        let mut take = |member: &str| field.as_object_mut()?.remove(member);
        let (says, examples) = (take("description"), take("examples"));
        let mut parameter = json!({
            "name": name, "in": "query", "allowEmptyValue": true, "description": says,
            "schema": field,
        });
        if let Some(example) = examples.and_then(|examples| examples.get(0).cloned()) {
            parameter["example"] = example;
        }
        parameters.push(parameter);
    }
    parameters
}

fn responses(route: &Route, doc: &Doc, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    let tag = json!({
        "required": true,
        "description": "What this representation of the record is known by.",
        "schema": { "type": "string" },
    });
    for answer in &doc.answers {
        let response = responses.entry(answer.status.to_string());
        let response = response.or_insert_with(|| json!({ "description": answer.says }));
        if let Some((content_type, schema, text)) = &answer.content {
            let mut content = json!({ "example": example(content_type, text) });
            if let Some(schema) = schema {
                content["schema"] = schemas.of_answer(*schema);
            }
            response["content"][*content_type] = content;
            if doc.has_tag {
                response["headers"]["ETag"] = tag.clone();
            }
        }
        if answer.status == 201 && doc.has_tag {
            response["headers"]["Location"] = json!({
                "required": true,
                "description": "The address of the new record.",
                "schema": { "type": "string", "format": "uri-reference" },
            });
        }
    }
    if doc.has_tag && route.method.is_safe() {
        responses.insert(
            "304".into(),
            json!({ "description": "It is still the one.", "headers": { "ETag": tag } }),
        );
    }
    for code in route.problems() {
        let status = code.status().as_u16().to_string();
        let response = responses.entry(status).or_insert_with(|| {
            json!({
                "description": code.title(),
                "content": { "application/problem+json": {
                    "schema": { "$ref": "#/components/schemas/Problem" },
                    "examples": {},
                }},
            })
        });
        let problem = serde_json::from_slice(&Problem::example(code).to_json());
        response["content"]["application/problem+json"]["examples"][code.as_str()] =
            json!({ "value": problem.unwrap_or(Value::Null) });
        if let Some((name, says)) = header_of(code) {
            response["headers"][name] = json!({
                "required": true, "description": says, "schema": { "type": "string" },
            });
        }
    }
    for (_, response) in &mut responses {
        response["headers"]["X-Request-Id"] = json!({ "$ref": "#/components/headers/RequestId" });
    }
    responses.into()
}

/// What a problem of this kind always has beside its body.
fn header_of(code: Code) -> Option<(&'static str, &'static str)> {
    match code {
        Code::RateLimited => Some(("Retry-After", "For how many seconds to wait.")),
        Code::Unauthorized => Some(("WWW-Authenticate", "How to send a key.")),
        _ => None,
    }
}

/// An example as it is shown: JSON as JSON, everything else as text.
fn example(content_type: &str, text: &str) -> Value {
    match content_type {
        "application/json" => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}
