//! The OpenAPI document, made of the table of routes.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::problem::{Problem, Whole};
use super::route::{Doc, Route, SchemaOf};
use super::routes;
use super::state::App;

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
    if doc.has_tag && route.method.is_safe() {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "schema": { "type": "string" },
            "description": "The ETag of the representation that is known: 304 if it is still the one.",
        }));
    } else if doc.has_tag && route.path.ends_with('}') {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "schema": { "type": "string" },
            "description": "The ETag that the record must still have: 412 if it has another.",
        }));
    }
    let mut operation = json!({
        "operationId": doc.id,
        "tags": [tag_of(route.path)],
        "summary": doc.summary,
        "responses": responses(route, doc, schemas),
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = &doc.body {
        let mut content = json!({ "example": example(body.content_type, body.example) });
        if let Some(schema) = body.schema {
            content["schema"] = schemas.of_body(schema);
        }
        operation["requestBody"] = json!({
            "required": true,
            "content": { body.content_type: content },
        });
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
        let (says, example) = match name {
            "short_name" => (
                "An organization's short name, in any capitalisation.",
                "MITx",
            ),
            "referrer" => (
                "Who refers to the record: a name of 1 to 255 characters.",
                "enrollments",
            ),
            "name" => ("The name of a key.", "lms"),
            _ if path.starts_with("/v1/courses") => (
                "The key of a catalog course: catalog-course:ORG:CODE.",
                "catalog-course:MITx:8.01x",
            ),
            _ => (
                "The key of a run: course-v1:ORG+COURSE+RUN. A legacy key may keep its slashes.",
                "course-v1:MITx+8.01x+2026_T1",
            ),
        };
        Some(json!({
            "name": name, "in": "path", "required": true, "description": says,
            "schema": { "type": "string", "minLength": 1 }, "example": example,
        }))
    })
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
        let mut says = Value::Null;
        if let Some(fields) = field.as_object_mut() {
            says = fields.remove("description").unwrap_or_default();
        }
        parameters.push(json!({
            "name": name, "in": "query", "description": says, "schema": field,
        }));
    }
    parameters
}

fn responses(route: &Route, doc: &Doc, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    for answer in &doc.answers {
        let mut response = json!({ "description": answer.says });
        if let Some((content_type, schema, text)) = &answer.content {
            let mut content = json!({ "example": example(content_type, text) });
            if let Some(schema) = schema {
                content["schema"] = schemas.of_answer(*schema);
            }
            response["content"] = json!({ *content_type: content });
            if doc.has_tag {
                response["headers"] = json!({ "ETag": {
                    "description": "What this representation of the record is known by.",
                    "schema": { "type": "string" },
                }});
            }
        }
        if answer.status == 201 && route.method == axum::http::Method::POST {
            response["headers"]["Location"] = json!({
                "description": "The address of the new record.",
                "schema": { "type": "string" },
            });
        }
        responses.insert(answer.status.to_string(), response);
    }
    if doc.has_tag && route.method.is_safe() {
        responses.insert(
            "304".into(),
            json!({ "description": "It is still the one." }),
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
    }
    responses.into()
}

/// An example as it is shown: JSON as JSON, everything else as text.
fn example(content_type: &str, text: &str) -> Value {
    match content_type {
        "application/json" => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}
