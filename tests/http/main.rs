//! Promise: the service answers as the library does, refuses what is wrong with the right status,
//! and stops without losing anything. Every test starts the real binary on a free port.

#![cfg(all(feature = "cli", feature = "http"))]
// What the parts share.
#![allow(unreachable_pub)]

mod client;
mod data;
mod documents;
mod feed;
mod hostile;
mod keys;
mod killed;
mod metrics;
mod page;
mod refusals;
mod rest;
mod scenarios;
mod server;
mod starting;
mod stopping;
mod tags;
