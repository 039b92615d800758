//! Promise: the command line works over a server as it does on a folder, and says clearly where it
//! cannot. Every test starts the real binary on a free port.

#![cfg(all(feature = "cli", feature = "http"))]
// What the parts share.
#![allow(unreachable_pub, dead_code)]

#[path = "../http/client.rs"]
mod client;
mod data;
mod encrypted;
mod failures;
mod imports;
mod pair;
mod same;
#[path = "../http/server.rs"]
mod server;
