//! The peers, one file each, and the two ceilings.

pub(crate) mod append;
mod coursecat;
mod fjall;
pub(crate) mod hash_map;
mod lmdb;
mod redb;
mod sled;
mod sqlite;

pub(crate) use append::Append;
pub(crate) use coursecat::Coursecat;
pub(crate) use hash_map::HashMapOfRecords;
pub(crate) use sqlite::Sqlite;

use crate::key_value::KeyValue;

pub(crate) type Redb = KeyValue<redb::Redb>;
pub(crate) type Lmdb = KeyValue<lmdb::Lmdb>;
pub(crate) type Fjall = KeyValue<fjall::Fjall>;
pub(crate) type Sled = KeyValue<sled::Sled>;
