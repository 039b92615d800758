//! The server: it listens, hands out connections, and stops without dropping what runs.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use super::config::{Config, InvalidConfig};
use super::keys::KeyError;
use super::state::App;
use super::{connection, keyring, routes};
use crate::Catalog;

/// How many connections wait to be accepted; the system may have fewer.
const BACKLOG: u32 = 1024;

/// An address that is held for a server, before there is a catalog to serve. Who connects to it is
/// refused until [`serve`](Reserved::serve).
pub struct Reserved {
    config: Config,
    socket: TcpSocket,
}

impl Reserved {
    /// Holds the address of a server with these options, so that whether it can be had is known before
    /// a catalog is opened or made for it.
    ///
    /// # Errors
    /// [`ServeError::Listen`] if it cannot be had.
    pub fn of(config: Config) -> Result<Self, ServeError> {
        let socket = hold(config.listen).map_err(|source| ServeError::Listen {
            address: config.listen,
            source,
        })?;
        Ok(Self { config, socket })
    }

    /// Begins to listen. Who connects is served from [`Server::run`] on.
    ///
    /// # Errors
    /// Those of [`Server::bind`].
    pub async fn serve(self, catalog: Catalog) -> Result<Server, ServeError> {
        let address = self.config.listen;
        let app = App::new(catalog, self.config)?;
        let failed = |source| ServeError::Listen { address, source };
        let listener = self.socket.listen(BACKLOG).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server {
            app,
            listener,
            address,
        })
    }
}

/// A socket at an address, on which nobody listens yet.
fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address.is_ipv4() {
        true => TcpSocket::new_v4(),
        false => TcpSocket::new_v6(),
    }?;
    // Connections of the server before, which linger, are in nobody's way. Elsewhere, this would let
    // two servers have one address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// A server that listens, and serves a catalog once it [runs](Server::run).
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Begins to listen. Who connects is served from [`run`](Server::run) on.
    ///
    /// Needs a runtime of tokio with time and I/O.
    ///
    /// # Errors
    /// [`ServeError::Config`] if the options contradict themselves or are not safe;
    /// [`ServeError::Keys`] if the keys of the catalog cannot be read;
    /// [`ServeError::Listen`] if the address cannot be had.
    pub async fn bind(catalog: Catalog, config: Config) -> Result<Self, ServeError> {
        Reserved::of(config)?.serve(catalog).await
    }

    /// Whether it asks for keys.
    #[must_use]
    pub fn asks_for_keys(&self) -> bool {
        self.app.guard.asks_for_keys()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is done: then accepts no more connections, ends those on which no request
    /// runs, and waits for the requests that do, but not longer than
    /// [`stop_timeout`](Config::stop_timeout).
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let router = routes::router(&self.app);
        let most = self.app.config.max_connections.min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(most));
        tokio::select! {
            () = stop => {}
            () = accept(&self.app, &self.listener, &router, &places) => {}
            () = keyring::keep_fresh(self.app.clone()) => {}
        }
        drop(self.listener);
        self.app.stopping.send_replace(true);
        let limit = self.app.config.stop_timeout;
        let mut connections = self.app.connections.subscribe();
        let all_done = connections.wait_for(|count| *count == 0);
        if tokio::time::timeout(limit, all_done).await.is_err() {
            tracing::warn!("some requests were not done when the service stopped");
        }
    }
}

/// Accepts connections for ever, each once there is a place for it.
async fn accept(app: &App, listener: &TcpListener, router: &Router, places: &Arc<Semaphore>) {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            return; // Nobody closes it.
        };
        let (stream, peer) = next(listener).await;
        let (counted, router) = (Counted::new(app), router.clone());
        tokio::spawn(async move {
            connection::serve(stream, peer, router, &counted.0).await;
            drop(place);
        });
    }
}

/// One connection, counted for as long as there is one.
struct Counted(App);

impl Counted {
    fn new(app: &App) -> Self {
        app.connections.send_modify(|count| *count += 1);
        Self(app.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.send_modify(|count| *count -= 1);
    }
}

async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors, most likely: others must end before there are any.
                tracing::error!("no connection can be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// Why the service did not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The options are refused.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The keys of the catalog cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}.")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream as Client;

    use super::*;

    /// An address is held while a catalog is opened, but nobody is let in who would have to wait.
    #[tokio::test]
    async fn nobody_is_let_in_before_there_is_a_catalog() {
        let at = |address: SocketAddr| Config {
            listen: address,
            ..Config::default()
        };
        let catalog = Catalog::temporary().unwrap();
        let any = Reserved::of(at(([127, 0, 0, 1], 0).into())).unwrap();
        let server = any.serve(catalog.clone()).await.unwrap();
        let address = server.address();
        assert!(Client::connect(address).is_ok());
        let taken = Reserved::of(at(address)).err().unwrap();
        assert!(matches!(taken, ServeError::Listen { address: told, .. } if told == address));
        drop(server);
        let reserved = Reserved::of(at(address)).unwrap();
        assert!(Client::connect(address).is_err());
        let server = reserved.serve(catalog).await.unwrap();
        assert_eq!(server.address(), address);
        assert!(Client::connect(address).is_ok());
    }
}
