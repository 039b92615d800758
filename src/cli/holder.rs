//! Who holds a folder: the address that a server leaves in it, for those who find it locked.
//!
//! The server locks the file for as long as it runs, so one that a crash has left counts for
//! nothing. What is in it is shown to a person, and never trusted further than that.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::Path;

/// The name of the file.
const FILE: &str = "serving";
/// No address is longer.
const MOST_BYTES: u64 = 300;

/// The server that holds a folder.
pub(super) struct Holder {
    pub(super) address: String,
}

impl Holder {
    /// The one that holds this folder now, if it is a server that has told so.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let path = folder.join(FILE);
        // Opening a pipe could take for ever.
        if !path.metadata().ok()?.is_file() {
            return None;
        }
        let file = File::open(path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            Ok(()) | Err(TryLockError::Error(_)) => return None,
        }
        let mut text = String::new();
        file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
        let address = text.trim_end();
        let is_one =
            address.starts_with("http://") && address.chars().all(|c| c.is_ascii_graphic());
        is_one.then(|| Self {
            address: address.to_owned(),
        })
    }
}

/// The file of a server that runs. Dropped, it is removed.
#[cfg(feature = "http")]
pub(super) struct Notice {
    /// Locked until this is dropped.
    _file: File,
    path: std::path::PathBuf,
}

#[cfg(feature = "http")]
impl Notice {
    /// Tells in this folder, which must be held, where its server listens.
    pub(super) fn put(folder: &Path, listens: std::net::SocketAddr) -> std::io::Result<Self> {
        use std::io::Write as _;

        let path = folder.join(FILE);
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        // Somebody may be looking at one that was left; that takes a moment.
        file.lock()?;
        file.set_len(0)?;
        writeln!(file, "http://{}", near(listens))?;
        Ok(Self { _file: file, path })
    }
}

#[cfg(feature = "http")]
impl Drop for Notice {
    fn drop(&mut self) {
        // One that stays is not locked any more.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Where one who is on this machine reaches it.
#[cfg(feature = "http")]
fn near(mut listens: std::net::SocketAddr) -> std::net::SocketAddr {
    use std::net::{Ipv4Addr, Ipv6Addr};

    if listens.ip().is_unspecified() {
        listens.set_ip(match listens.is_ipv4() {
            true => Ipv4Addr::LOCALHOST.into(),
            false => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listens
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    #[test]
    fn only_a_server_that_runs_is_told_of_and_only_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let found = || Holder::of(folder.path()).map(|holder| holder.address);
        assert_eq!(found(), None);
        let listens = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8787));
        let mut notice = Notice::put(folder.path(), listens).unwrap();
        assert_eq!(found().as_deref(), Some("http://127.0.0.1:8787"));
        // What is none is not shown.
        for odd in ["", "http://a\u{1b}[2J", "http://a b", "rm -rf", "http://ü"] {
            use std::io::{Seek as _, Write as _};
            notice._file.set_len(0).unwrap();
            notice._file.rewind().unwrap();
            notice._file.write_all(odd.as_bytes()).unwrap();
            assert_eq!(found(), None, "{odd:?}");
        }
        drop(notice);
        assert!(!folder.path().join(FILE).exists());
        // A crash leaves one, which nobody holds.
        std::fs::write(folder.path().join(FILE), "http://127.0.0.1:1\n").unwrap();
        assert_eq!(found(), None);
        let notice = Notice::put(folder.path(), listens).unwrap();
        assert_eq!(found().as_deref(), Some("http://127.0.0.1:8787"));
        drop(notice);
    }
}
