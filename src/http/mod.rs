//! The HTTP service: a catalog for the other programs of a platform.
//!
//! It translates: requests of HTTP into requests of the catalog, answers into JSON. It decides
//! nothing about courses, never sees how records are stored, and is the only room with an async
//! runtime. Reads are answered from memory on the spot; a write is handed to the catalog's writer
//! and awaited, so neither holds a thread.

mod answer;
mod backup;
mod body;
mod changes;
mod config;
mod connection;
mod courses;
mod disk;
mod docs;
mod examples;
mod export;
mod front;
mod guard;
mod health;
mod import;
mod keyring;
pub mod keys;
mod leftover;
mod metrics;
mod openapi;
mod organizations;
mod paging;
mod path;
mod patterns;
mod pieces;
mod problem;
mod query;
mod references;
mod request_id;
mod route;
mod routes;
mod runs;
mod server;
mod state;
mod stats;
mod stream;
mod tag;
mod traffic;
mod verify;
mod work;

pub use config::{Config, InvalidConfig};
#[cfg(feature = "cli")]
pub(crate) use keyring::KeyView;
pub use server::{Reserved, ServeError, Server};
