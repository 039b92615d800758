//! Promise: what goes out comes in again, and what is wrong with an input is said and costs no
//! other row.

#![cfg(feature = "transfer")]

mod backups;
mod conflicts;
mod fixtures;
mod malformed;
mod plain;
mod round_trips;
mod stopping;
mod support;
