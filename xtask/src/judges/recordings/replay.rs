//! A server on loopback that answers as Azure did.
//!
//! It takes the client's connections as a proxy does, so that no name has to be
//! resolved, and is ARM and Entra ID to it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use sidestep_azure::{Azure, Credential, Options, OwnProxy, Pace};
use sidestep_model::catalogue::Cloud;
use sidestep_model::network::{AddressMap, Network, Resolver};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::recording::{ARM as ARM_URL, Interaction, query, segments};

const ARM: &str = "management.azure.com";
const ENTRA: &str = "login.microsoftonline.com";

/// Of an answer's headers, what a client goes by.
const TOLD: &[&str] = &[
    "azure-asyncoperation",
    "date",
    "location",
    "retry-after",
    "x-ms-request-id",
];

/// A request as the client sent it.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) body: Value,
}

/// What happened since the last command was loaded.
#[derive(Default)]
pub(super) struct Seen {
    /// The command's own request.
    pub(super) first: Option<Sent>,
    /// Polls that went where the answer before said.
    pub(super) followed: usize,
    pub(super) complaints: Vec<String>,
}

/// A running server and a client of it.
pub(super) struct Replay {
    azure: Azure,
    state: Arc<Mutex<State>>,
}

struct State {
    interactions: Vec<Interaction>,
    /// The command's interaction and its polls.
    script: Vec<usize>,
    next: usize,
    /// Where the command's last request went.
    last_target: String,
    seen: Seen,
}

impl Replay {
    pub(super) async fn start(interactions: Vec<Interaction>) -> anyhow::Result<Self> {
        let (acceptor, authority) = certificates()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let socket = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State {
            interactions,
            script: Vec::new(),
            next: 0,
            last_target: String::new(),
            seen: Seen::default(),
        }));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&shared)));
            }
        });
        Ok(Self {
            azure: Azure::connect(options(socket, authority)).context("connecting")?,
            state,
        })
    }

    pub(super) fn azure(&self) -> &Azure {
        &self.azure
    }

    /// Gets ready for the command of interaction `at`.
    pub(super) fn load(&self, at: usize, polls: &[usize]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.script = std::iter::once(at).chain(polls.iter().copied()).collect();
        state.next = 0;
        state.seen = Seen::default();
    }

    /// What happened since.
    pub(super) fn seen(&self) -> Seen {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let left = state.script.len() - state.next;
        if left > 0 {
            let complaint = format!("{left} recorded answers were not asked for");
            state.seen.complaints.push(complaint);
        }
        std::mem::take(&mut state.seen)
    }
}

impl State {
    fn answer(&mut self, sent: Sent) -> Response<Full<Bytes>> {
        let Some(at) = self.script.get(self.next).copied() else {
            return self.closing_read(&sent);
        };
        let target = sent.target.clone();
        if self.next == 0 {
            self.seen.first = Some(sent);
        } else {
            let before = &self.interactions[self.script[self.next - 1]];
            let is_again = self.next > 1 && sent.target == self.last_target;
            if is_again || is_as_told(&sent, before, &self.interactions[at]) {
                self.seen.followed += 1;
            } else {
                let complaint = format!(
                    "the poll went to {}, not where the answer says",
                    shortened(&sent.target)
                );
                self.seen.complaints.push(complaint);
            }
        }
        self.last_target = target;
        self.next += 1;
        response(&self.interactions[at])
    }

    /// What was made or changed is read at the end, a list goes on, or a request
    /// is repeated: the nearest recorded answer after the command's.
    fn closing_read(&self, sent: &Sent) -> Response<Full<Bytes>> {
        let last = self.script.last().copied().unwrap_or_default();
        let asked = page(&sent.target);
        let is_it = |interaction: &&Interaction| {
            interaction.method == sent.method
                && lower(&interaction.segments()) == lower(&segments(&sent.target))
                && page(&interaction.target) == asked
        };
        let later = self.interactions[last..].iter();
        // Only what may be repeated comes again as a write.
        let is_repeated = sent.method != "GET";
        match later.skip(usize::from(!is_repeated)).find(is_it) {
            Some(interaction) => response(interaction),
            None => plain(
                409,
                r#"{"error":{"code":"NotRecorded","message":"no such answer was recorded"}}"#,
            ),
        }
    }
}

/// The page of a list that a target asks for.
fn page(target: &str) -> Option<String> {
    let mut query = query(target).into_iter();
    query.find_map(|(name, value)| name.eq_ignore_ascii_case("$skiptoken").then_some(value))
}

/// Whether a poll went where the answer `before` says, to the letter. Of two
/// addresses it must be the one that az took, if az took one; and only where the
/// location has lost its api-version, it must go where az went.
fn is_as_told(sent: &Sent, before: &Interaction, recorded: &Interaction) -> bool {
    let told: Vec<&str> = ["azure-asyncoperation", "location"]
        .into_iter()
        .filter_map(|name| before.header(name)?.strip_prefix(ARM_URL))
        .collect();
    let path = |target: &str| lower(&segments(target));
    let has_version = |target: &str| query(target).iter().any(|(name, _)| name == "api-version");
    let azs = path(&recorded.target);
    let is_azs = path(&sent.target) == azs;
    let took_one = told.iter().any(|target| path(target) == azs);
    told.iter().any(|target| {
        (*target == sent.target && (is_azs || !took_one)) || (!has_version(target) && is_azs)
    })
}

fn shortened(target: &str) -> String {
    target.chars().take(300).collect()
}

fn lower(segments: &[String]) -> Vec<String> {
    segments.iter().map(|part| part.to_lowercase()).collect()
}

fn response(interaction: &Interaction) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(interaction.status);
    for (name, value) in &interaction.headers {
        if TOLD.contains(&name.to_ascii_lowercase().as_str()) {
            response = response.header(name, value);
        }
    }
    let body = Full::new(Bytes::from(interaction.answer.clone()));
    response
        .body(body)
        .unwrap_or_else(|_| plain(500, "the recorded answer cannot be sent"))
}

fn plain(status: u16, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_owned())));
    if let Ok(status) = status.try_into() {
        *response.status_mut() = status;
    }
    response
}

async fn serve(mut stream: TcpStream, acceptor: TlsAcceptor, state: Arc<Mutex<State>>) {
    if connect(&mut stream).await.is_err() {
        return;
    }
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request: Request<Incoming>| {
        let state = Arc::clone(&state);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let host = parts.headers.get("host");
            if host.is_some_and(|host| host == ENTRA) {
                return Ok(plain(
                    200,
                    r#"{"token_type":"Bearer","expires_in":3599,"access_token":"t"}"#,
                ));
            }
            let sent = Sent {
                method: parts.method.to_string(),
                target: parts.uri.to_string(),
                body: serde_json::from_slice(&body).unwrap_or_default(),
            };
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            Ok::<_, hyper::Error>(state.answer(sent))
        }
    });
    // The client closes when it is done; that is no event.
    drop(
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

/// Takes a CONNECT to whatever host.
async fn connect(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await
}

fn certificates() -> anyhow::Result<(TlsAcceptor, String)> {
    let mut params = CertificateParams::new([])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate =
        CertificateParams::new([ARM.to_owned(), ENTRA.to_owned()])?.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok((TlsAcceptor::from(Arc::new(config)), authority.pem()))
}

fn options(socket: SocketAddr, authority: String) -> Options {
    Options {
        cloud: Cloud::AzureCloud,
        tenant: None,
        network: Network {
            // Nothing but the server can be reached.
            addresses: AddressMap::closed([(socket, socket)]),
            resolver: Resolver::Servers(Vec::new()),
            only_authority_pem: Some(authority),
        },
        credential: Credential::ClientSecret {
            tenant: "judge".to_owned(),
            client_id: "judge".to_owned(),
            secret: String::from("judge").into(),
        },
        proxy: OwnProxy::from_variables(|name| {
            (name == "HTTPS_PROXY").then(|| format!("http://{socket}"))
        }),
        pace: Pace {
            poll: Duration::ZERO,
            floor: Duration::ZERO,
            request: Duration::from_secs(30),
            operation: Duration::from_secs(30),
        },
    }
}
