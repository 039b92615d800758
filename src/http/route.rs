//! A route: where it is, who may use it, what answers it, and what the documentation says of it.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::keys::Scope;
use super::problem::Code;
use super::state::App;

/// See the [module](self).
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// What a key must allow; none for what needs no key.
    pub(super) scope: Option<Scope>,
    /// Whether its answer has no end, or one that the client decides on, so that no time limit holds.
    pub(super) is_long: bool,
    /// Whether its address has parameters.
    pub(super) has_query: bool,
    /// Whether it looks at `If-Match` and `If-None-Match` before it changes a record.
    pub(super) is_conditional: bool,
    pub(super) handler: MethodRouter<App>,
    /// `None` for a second address of a route that is documented elsewhere.
    pub(super) doc: Option<Doc>,
}

/// What the documentation says of a route.
pub(super) struct Doc {
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: Option<SchemaOf>,
    /// Headers that it heeds, beside those of every route: name, what it says, schema.
    pub(super) headers: Vec<(&'static str, &'static str, SchemaOf)>,
    /// What it takes: a body of one of these types.
    pub(super) bodies: Vec<Body>,
    pub(super) answers: Vec<Answer>,
    pub(super) problems: Vec<Code>,
    /// Whether its answer has an `ETag`.
    pub(super) has_tag: bool,
}

/// Gives the schema of a type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

pub(super) struct Body {
    pub(super) content_type: &'static str,
    pub(super) schema: Option<SchemaOf>,
    pub(super) example: &'static str,
}

/// One for each status and type of content.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) says: &'static str,
    /// Its type, its schema if it is JSON, and an example; none for an answer without a body.
    pub(super) content: Option<(&'static str, Option<SchemaOf>, &'static str)>,
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Makes a constructor for each method.
macro_rules! methods {
    ($($name:ident $method:ident $scope:ident;)*) => {
        $(
            pub(super) fn $name<T: 'static>(
                id: &'static str,
                path: &'static str,
                handler: impl Handler<T, App>,
            ) -> Self {
                let handler = on(MethodFilter::$method, handler);
                Self::new(Method::$method, id, path, Scope::$scope, handler)
            }
        )*
    };
}

impl Route {
    methods! {
        get GET Read;
        post POST Write;
        put PUT Write;
        patch PATCH Write;
        delete DELETE Write;
    }

    fn new(
        method: Method,
        id: &'static str,
        path: &'static str,
        scope: Scope,
        handler: MethodRouter<App>,
    ) -> Self {
        Self {
            method,
            path,
            scope: Some(scope),
            is_long: false,
            has_query: false,
            is_conditional: false,
            handler,
            doc: Some(Doc {
                id,
                summary: "",
                query: None,
                headers: Vec::new(),
                bodies: Vec::new(),
                answers: Vec::new(),
                problems: Vec::new(),
                has_tag: false,
            }),
        }
    }

    /// It needs no key.
    pub(super) fn open(mut self) -> Self {
        self.scope = None;
        self
    }

    /// It only reads, whatever its method is.
    pub(super) fn reads(mut self) -> Self {
        self.scope = Some(Scope::Read);
        self
    }

    /// It is for those who run the service.
    pub(super) fn administers(mut self) -> Self {
        self.scope = Some(Scope::Admin);
        self
    }

    /// Its answer has no end, or one that the client decides on.
    pub(super) fn long(mut self) -> Self {
        self.is_long = true;
        self
    }

    /// It is a second address of a route that is documented elsewhere.
    pub(super) fn alias(mut self) -> Self {
        self.doc = None;
        self
    }

    pub(super) fn says(self, summary: &'static str) -> Self {
        self.documented(|doc| doc.summary = summary)
    }

    pub(super) fn query<T: JsonSchema>(mut self) -> Self {
        self.has_query = true;
        self.documented(|doc| doc.query = Some(schema_of::<T>))
    }

    pub(super) fn heeds<T: JsonSchema>(self, header: &'static str, says: &'static str) -> Self {
        self.documented(|doc| doc.headers.push((header, says, schema_of::<T>)))
    }

    pub(super) fn body<T: JsonSchema>(self, example: &'static str) -> Self {
        self.documented(|doc| {
            doc.bodies.push(Body {
                content_type: "application/json",
                schema: Some(schema_of::<T>),
                example,
            });
        })
    }

    pub(super) fn takes(self, content_type: &'static str, example: &'static str) -> Self {
        self.documented(|doc| {
            doc.bodies.push(Body {
                content_type,
                schema: None,
                example,
            });
        })
    }

    pub(super) fn answers<T: JsonSchema>(
        self,
        status: u16,
        says: &'static str,
        example: &'static str,
    ) -> Self {
        let content = (
            "application/json",
            Some(schema_of::<T> as SchemaOf),
            example,
        );
        self.documented(|doc| {
            doc.answers.push(Answer {
                status,
                says,
                content: Some(content),
            });
        })
    }

    pub(super) fn gives(
        self,
        content_type: &'static str,
        says: &'static str,
        example: &'static str,
    ) -> Self {
        self.documented(|doc| {
            doc.answers.push(Answer {
                status: 200,
                says,
                content: Some((content_type, None, example)),
            });
        })
    }

    /// It answers 204.
    pub(super) fn gives_nothing(self) -> Self {
        self.documented(|doc| {
            doc.answers.push(Answer {
                status: 204,
                says: "It is done.",
                content: None,
            });
        })
    }

    /// It looks at `If-Match` and `If-None-Match` before it changes a record.
    pub(super) fn conditional(mut self) -> Self {
        self.is_conditional = true;
        self
    }

    /// It answers with an `ETag`; where it only reads, it heeds `If-None-Match`.
    pub(super) fn tagged(self) -> Self {
        self.documented(|doc| doc.has_tag = true)
    }

    /// What can go wrong with it, beside what can go wrong with every route of its kind.
    pub(super) fn fails(self, problems: &[Code]) -> Self {
        self.documented(|doc| doc.problems.extend_from_slice(problems))
    }

    fn documented(mut self, change: impl FnOnce(&mut Doc)) -> Self {
        if let Some(doc) = &mut self.doc {
            change(doc);
        }
        self
    }

    /// Every problem that it can answer with.
    pub(super) fn problems(&self) -> Vec<Code> {
        let Some(doc) = &self.doc else {
            return Vec::new();
        };
        let mut problems = doc.problems.clone();
        // A parameter that there is not is a value that breaks a rule.
        problems.extend([Code::BadRequest, Code::Invalid]);
        if self.scope.is_some() {
            problems.extend([Code::Unauthorized, Code::Forbidden]);
        }
        problems.extend([Code::RateLimited, Code::Internal, Code::Unavailable]);
        if !self.is_long {
            problems.push(Code::Timeout);
        }
        if !doc.bodies.is_empty() {
            problems.extend([Code::TooLarge, Code::UnsupportedMediaType]);
        }
        if !self.method.is_safe() && self.scope != Some(Scope::Read) {
            problems.push(Code::ReadOnly);
        }
        if self.is_conditional {
            problems.push(Code::PreconditionFailed);
        }
        problems.sort_by_key(|code| (code.status(), code.as_str()));
        problems.dedup();
        problems
    }
}
