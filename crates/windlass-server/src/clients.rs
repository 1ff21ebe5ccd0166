//! Who asks, and how many queries of one client run at once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use windlass_accounts::AccountId;

/// The other end of a connection: in the extensions of each request that came over one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Whose queries are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    /// The owner of a token, from wherever it is used.
    Account(AccountId),
    /// An address; of IPv6 the network of 64 bits, all of which one client has.
    Address(IpAddr),
    /// Nobody in particular: the request came over no socket.
    Unknown,
}

impl Asker {
    /// Who sent a request: whoever pays for it, else the other end of its connection.
    pub(crate) fn of(account: Option<AccountId>, peer: Option<Peer>) -> Self {
        match (account, peer) {
            (Some(account), _) => Self::Account(account),
            (None, Some(Peer(address))) => Self::Address(network(address.ip().to_canonical())),
            (None, None) => Self::Unknown,
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    const INTERFACE_BITS: u32 = 64;
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() >> INTERFACE_BITS << INTERFACE_BITS).into()
        }
    }
}

/// The queries of each client that has any, running or waiting.
#[derive(Debug)]
pub(crate) struct Clients {
    places_max: usize,
    known: Mutex<HashMap<Asker, Places>>,
}

#[derive(Debug)]
struct Places {
    free: Arc<Semaphore>,
    /// Queries that run or wait; the entry goes with the last of them.
    queries: usize,
}

impl Clients {
    /// With that many places for each client.
    pub(crate) fn new(places_max: usize) -> Self {
        Self {
            places_max: places_max.min(Semaphore::MAX_PERMITS),
            known: Mutex::default(),
        }
    }

    /// How many clients have a query that runs or waits.
    #[cfg(test)]
    fn known(&self) -> usize {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Counts a query of a client.
    pub(crate) fn enter(self: &Arc<Self>, client: Asker) -> PlaceOfClient {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let places = known.entry(client).or_insert_with(|| Places {
            free: Arc::new(Semaphore::new(self.places_max)),
            queries: 0,
        });
        places.queries += 1;
        PlaceOfClient {
            client,
            free: Arc::clone(&places.free),
            place: None,
            clients: Arc::clone(self),
        }
    }
}

/// One query of a client: counted until it is dropped.
#[derive(Debug)]
pub(crate) struct PlaceOfClient {
    client: Asker,
    free: Arc<Semaphore>,
    place: Option<OwnedSemaphorePermit>,
    clients: Arc<Clients>,
}

impl PlaceOfClient {
    /// Waits until the client has a place for it.
    pub(crate) async fn place(&mut self) {
        // The semaphore is never closed.
        self.place = Arc::clone(&self.free).acquire_owned().await.ok();
    }
}

impl Drop for PlaceOfClient {
    fn drop(&mut self) {
        self.place = None;
        let mut known = self
            .clients
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = known.get_mut(&self.client) {
            places.queries -= 1;
            if places.queries == 0 {
                known.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Asker {
        let address = address.parse().ok();
        Asker::of(None, address.map(Peer))
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        assert_eq!(client("192.0.2.1:1"), client("192.0.2.1:2"));
        assert_eq!(client("192.0.2.1:1"), client("[::ffff:192.0.2.1]:2"));
        assert_eq!(client("[2001:db8::1]:1"), client("[2001:db8::2:1]:1"));
        assert_ne!(client("[2001:db8::1]:1"), client("[2001:db8:0:1::1]:1"));
        assert_ne!(client("192.0.2.1:1"), client("192.0.2.2:1"));
    }

    #[tokio::test]
    async fn places_are_counted_by_client_and_forgotten_with_the_last_query() {
        let clients = Arc::new(Clients::new(1));
        let (one, other) = (client("192.0.2.1:1"), client("192.0.2.2:1"));
        let mut first = clients.enter(one);
        first.place().await;
        let mut second = clients.enter(one);
        let mut waiting = std::pin::pin!(second.place());
        assert!(futures_poll(waiting.as_mut()).is_pending());
        // Another client has a place of its own.
        let mut third = clients.enter(other);
        third.place().await;
        assert_eq!(clients.known(), 2);
        drop(first);
        assert!(futures_poll(waiting.as_mut()).is_ready());
        drop(third);
        assert_eq!(clients.known(), 1);
        let abandoned = clients.enter(one);
        drop(abandoned);
        assert_eq!(clients.known(), 1);
    }

    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
        future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }
}
