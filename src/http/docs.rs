//! `/docs`: the OpenAPI document as a page that needs nothing from elsewhere: no script, no font, no
//! network.

use std::fmt::Write;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::problem::Code;
use super::state::App;

/// A page can do nothing but show itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn get(State(app): State<App>) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
    ];
    (headers, Bytes::clone(&app.docs)).into_response()
}

/// Whoever opens the service's address finds the documentation.
pub(super) async fn front_page() -> Response {
    let docs = HeaderValue::from_static("/docs");
    (StatusCode::SEE_OTHER, [(header::LOCATION, docs)]).into_response()
}

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--get:#2a7;--post:#27b;--put:#a72;--patch:#a72;--delete:#b33}\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.7rem;overflow-x:auto;border-radius:.4rem}\
details{border:1px solid var(--line);border-radius:.4rem;margin:.4rem 0;padding:.4rem .8rem}\
summary{cursor:pointer}summary code{font-weight:600}summary span{opacity:.75;margin-left:.6rem}\
.m{display:inline-block;min-width:4.2rem;font:600 13px ui-monospace,monospace}\
.get{color:var(--get)}.post{color:var(--post)}.put{color:var(--put)}.patch{color:var(--patch)}.delete{color:var(--delete)}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line)}\
nav a{margin-right:1rem}";

/// The page of a document.
pub(super) fn page(document: &Value) -> String {
    let mut page = Page(String::new());
    page.whole(document);
    page.0
}

/// A page on its way. Writing into a text does not fail.
struct Page(String);

impl Page {
    fn add(&mut self, html: std::fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(html);
    }

    fn whole(&mut self, document: &Value) {
        let version = text(&document["info"]["version"]);
        self.add(format_args!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <title>coursecat {version}</title><style>{STYLE}</style>\n\
             <h1>coursecat {version}</h1>\n<p>{}</p>\n<nav>",
            text(&document["info"]["description"])
        ));
        let tags: Vec<&str> = members(&document["tags"])
            .filter_map(|tag| tag["name"].as_str())
            .collect();
        for tag in &tags {
            self.add(format_args!("<a href=\"#{tag}\">{tag}</a>"));
        }
        self.add(format_args!(
            "<a href=\"#errors\">errors</a><a href=\"/openapi.json\">OpenAPI</a></nav>\n"
        ));
        for tag in &tags {
            self.add(format_args!("<h2 id=\"{tag}\">{tag}</h2>\n"));
            for (path, operations) in document["paths"].as_object().into_iter().flatten() {
                for (method, operation) in operations.as_object().into_iter().flatten() {
                    if operation["tags"][0] == **tag {
                        self.operation(method, path, operation);
                    }
                }
            }
        }
        self.errors();
        self.add(format_args!("</html>\n"));
    }

    fn operation(&mut self, method: &str, path: &str, operation: &Value) {
        self.add(format_args!(
            "<details id=\"{}\"><summary><b class=\"m {method}\">{}</b><code>{}</code><span>{}</span></summary>\n",
            text(&operation["operationId"]),
            method.to_ascii_uppercase(),
            escaped(path),
            text(&operation["summary"]),
        ));
        if operation["description"].is_string() {
            self.add(format_args!(
                "<p>{}</p>",
                marked(&text(&operation["description"]))
            ));
        }
        if operation["parameters"].is_array() {
            self.add(format_args!("<table><tr><th>Parameter<th>In<th>Meaning"));
            for parameter in members(&operation["parameters"]) {
                self.add(format_args!(
                    "<tr><td><code>{}</code><td>{}<td>{}",
                    text(&parameter["name"]),
                    text(&parameter["in"]),
                    marked(&text(&parameter["description"])),
                ));
            }
            self.add(format_args!("</table>\n"));
        }
        self.examples("Request", &operation["requestBody"]["content"]);
        for (status, response) in operation["responses"].as_object().into_iter().flatten() {
            if status.starts_with('2') {
                self.add(format_args!(
                    "<p><b>{status}</b> {}</p>\n",
                    text(&response["description"])
                ));
                self.examples("Answer", &response["content"]);
            }
        }
        self.add(format_args!("<p>Errors:"));
        for response in operation["responses"].as_object().into_iter().flatten() {
            let examples = &response.1["content"]["application/problem+json"]["examples"];
            for code in examples.as_object().into_iter().flatten() {
                self.add(format_args!(" <a href=\"#{0}\">{0}</a>", code.0));
            }
        }
        self.add(format_args!("</p></details>\n"));
    }

    fn examples(&mut self, title: &str, content: &Value) {
        for (content_type, content) in content.as_object().into_iter().flatten() {
            let example = match &content["example"] {
                Value::String(text) => text.clone(),
                value => serde_json::to_string_pretty(value).unwrap_or_default(),
            };
            self.add(format_args!(
                "<p>{title}, <code>{}</code>:</p><pre>{}</pre>\n",
                escaped(content_type),
                escaped(&example)
            ));
        }
    }

    fn errors(&mut self) {
        self.add(format_args!(
            "<h2 id=\"errors\">errors</h2>\n<p>Every error is <code>application/problem+json</code>.</p>\
             <table><tr><th>Status<th>Code<th>Meaning"
        ));
        for code in Code::ALL {
            self.add(format_args!(
                "<tr id=\"{0}\"><td>{1}<td><code>{0}</code><td>{2}. {3}",
                code.as_str(),
                code.status().as_u16(),
                escaped(code.title()),
                escaped(code.advice()),
            ));
        }
        self.add(format_args!("</table>\n"));
    }
}

fn members(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
    html
}

/// Code between backticks as code.
fn marked(html: &str) -> String {
    let mut marked = String::new();
    for (i, part) in html.split('`').enumerate() {
        if i % 2 == 1 {
            let _ = write!(marked, "<code>{part}</code>");
        } else {
            marked.push_str(part);
        }
    }
    marked
}
