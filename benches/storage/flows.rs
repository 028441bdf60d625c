//! Whole ways through our endpoints, in process: what a store lets through.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use oauth_for_mcp::McpAuth;
use oauth_for_mcp::idp::FixedIdentity;
use oauth_for_mcp::limit::RateLimits;
use oauth_for_mcp::model::{Identity, MasterKey, MasterKeys};
use oauth_for_mcp::store::Store;
use oauth_for_mcp::types::{ClientId, Subject};
use tokio::runtime::{Builder, Handle};

use crate::memory::{peak_resident, reset_peak_resident, resident};
use crate::place::{Databases, Kind};
use crate::{ALLOCATED, records, walk};

/// How many clients there are at once.
const CLIENTS: usize = 16;

pub(crate) fn run(databases: &Databases, time: Duration) {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    println!(
        "\nwhole ways (authorize, consent, callback, code, refresh), {time:?} each; \
         memory is that of this process"
    );
    println!(
        "  {:18}  one by one   {CLIENTS} at once       ways    heap peak     RSS peak",
        ""
    );
    for kind in Kind::ALL {
        let place = runtime.block_on(databases.open(kind));
        let auth = runtime.block_on(server(place.store));
        let (heap, rss) = (ALLOCATED.current_usage(), resident());
        ALLOCATED.reset_peak_usage();
        reset_peak_resident();
        let alone = ways(&auth, runtime.handle(), 1, time);
        let together = ways(&auth, runtime.handle(), CLIENTS, time);
        let heap = ALLOCATED.peak_usage().saturating_sub(heap);
        let rss = peak_resident().saturating_sub(rss);
        println!(
            "  {:18} {:8.0} /s  {:8.0} /s   {:8}  {:8.1} MB  {:8.1} MB",
            kind.name(),
            alone as f64 / time.as_secs_f64(),
            together as f64 / time.as_secs_f64(),
            alone + together,
            heap as f64 / 1e6,
            rss as f64 / 1e6,
        );
    }
}

/// Our server with this store, in which one client registered itself.
async fn server(store: Arc<dyn Store>) -> McpAuth {
    let id = ClientId::parse(walk::CLIENT_ID).expect("an identifier");
    let mut client = records::client_as(id, walk::REDIRECT_URI);
    client.name = Some(walk::CLIENT_NAME.to_owned());
    store.insert_client(client).await.expect("a new client");
    let alice = Subject::parse("alice").expect("a subject");
    let keys = MasterKeys::new(MasterKey::from_bytes(&[7; 32]));
    McpAuth::builder("http://127.0.0.1:1")
        .store(store, Arc::new(keys))
        .scope("notes:read", "Read your notes")
        .scope("notes:write", "Add notes for you")
        .identity_provider(FixedIdentity::new(Identity::new("idp", alice)))
        // One grant is refreshed more often in a minute than any client would.
        .rate_limits(RateLimits::off())
        .build()
        .expect("the settings are good")
}

/// How many ways so many clients go in this time.
fn ways(auth: &McpAuth, runtime: &Handle, clients: usize, time: Duration) -> usize {
    let end = Instant::now() + time;
    let one_client = || {
        let mut server = |request: Request<Bytes>| -> Response<Bytes> {
            runtime.block_on(auth.endpoints().respond(request))
        };
        let mut gone = 0;
        while Instant::now() < end {
            walk::whole(&mut server);
            gone += 1;
        }
        gone
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(one_client)).collect();
        let gone = clients.into_iter().map(|client| client.join());
        gone.map(|gone| gone.expect("a client that does not fail"))
            .sum()
    })
}
