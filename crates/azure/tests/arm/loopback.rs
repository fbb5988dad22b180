//! Azure on loopback: ARM's and Entra ID's names, each answered by the test.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sidestep_azure::{ArmId, Azure, Credential, Options, OwnProxy, Pace};
use sidestep_model::catalogue::Cloud;
use sidestep_model::network::{AddressMap, Network, Resolver};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

pub(crate) const ARM: &str = "management.azure.com";
pub(crate) const ENTRA: &str = "login.microsoftonline.com";
pub(crate) const SECRET: &str = "ge~heim.1234";
pub(crate) const TOKEN: &str = "eyJ0b2tlbiI6InNlY3JldCJ9";

/// Where all of Azure is, as the names say.
const AZURE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 50));

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// This.
    With(u16, Vec<(&'static str, String)>, String),
    /// Nothing: the connection breaks off.
    Lost,
}

pub(crate) fn answer(status: u16, body: impl Into<String>) -> Answer {
    Answer::With(status, Vec::new(), body.into())
}

/// Azure's error in its envelope.
pub(crate) fn error(code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#)
}

impl Answer {
    pub(crate) fn header(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::With(status, mut headers, body) => {
                headers.push((name, value.into()));
                Self::With(status, headers, body)
            }
            Self::Lost => Self::Lost,
        }
    }
}

pub(crate) fn token() -> Answer {
    answer(
        200,
        format!(r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"{TOKEN}"}}"#),
    )
}

type Answers = dyn Fn(&Seen, usize) -> Answer + Send + Sync;

/// A running one, with what it was asked.
pub(crate) struct Loopback {
    pub(crate) network: Network,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Loopback {
    /// ARM answers by `answers`, which also gets the number of requests before;
    /// sign-in works.
    pub(crate) async fn start(
        answers: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_all(move |seen, before| {
            if seen.host == ENTRA {
                token()
            } else {
                answers(seen, before)
            }
        })
        .await
    }

    /// Sign-in is answered by `answers` too.
    pub(crate) async fn start_all(
        answers: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (acceptor, authority) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answers: Arc<Answers> = Arc::new(answers);
        let records = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = serve(
                    stream,
                    acceptor.clone(),
                    Arc::clone(&answers),
                    Arc::clone(&records),
                );
                tokio::spawn(served);
            }
        });
        let network = Network {
            addresses: AddressMap::closed([
                (SocketAddr::new(AZURE, 443), socket),
                (SocketAddr::from(([10, 2, 0, 16], 8080)), socket),
            ]),
            resolver: Resolver::Servers(vec![names().await]),
            only_authority_pem: Some(authority),
        };
        Self { network, seen }
    }

    pub(crate) fn azure(&self) -> Azure {
        Azure::connect(options(self.network.clone())).unwrap()
    }

    /// What ARM was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.host == ARM)
            .cloned()
            .collect()
    }

    /// How often a token was asked for.
    pub(crate) fn tokens(&self) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.host == ENTRA).count()
    }
}

pub(crate) fn options(network: Network) -> Options {
    Options {
        cloud: Cloud::AzureCloud,
        tenant: None,
        network,
        credential: Credential::ClientSecret {
            tenant: "11111111-1111-1111-1111-111111111111".to_owned(),
            client_id: "22222222-2222-2222-2222-222222222222".to_owned(),
            secret: SECRET.to_owned().into(),
        },
        proxy: OwnProxy::default(),
        pace: Pace {
            poll: Duration::from_millis(2),
            floor: Duration::from_millis(1),
            request: Duration::from_secs(20),
            operation: Duration::from_secs(20),
        },
    }
}

pub(crate) fn vault() -> ArmId {
    ArmId::in_group("s", "rg", "Microsoft.RecoveryServices/vaults", "v")
}

fn certificates() -> (TlsAcceptor, String) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = [ARM.to_owned(), ENTRA.to_owned()];
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}

/// Serves a connection, by TLS at once or after a CONNECT as a proxy gets it.
async fn serve(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    answers: Arc<Answers>,
    records: Arc<Mutex<Vec<Seen>>>,
) {
    let mut first = [0; 7];
    if stream.peek(&mut first).await.is_ok() && &first == b"CONNECT" {
        connect(&mut stream).await;
    }
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request: Request<Incoming>| {
        let answers = Arc::clone(&answers);
        let records = Arc::clone(&records);
        async move {
            let seen = seen(request).await;
            let before = {
                let mut records = records.lock().unwrap();
                records.push(seen.clone());
                let same = records.iter().filter(|other| other.host == seen.host);
                same.count() - 1
            };
            match answers(&seen, before) {
                Answer::Lost => Err(std::io::Error::other("lost on purpose")),
                Answer::With(status, headers, body) => {
                    let mut response = Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(name, value);
                    }
                    Ok(response.body(Full::new(Bytes::from(body))).unwrap())
                }
            }
        }
    });
    // Connections that break are part of the tests.
    drop(
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

async fn connect(stream: &mut TcpStream) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .unwrap();
}

async fn seen(request: Request<Incoming>) -> Seen {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| {
        let value = value.to_str().unwrap_or_default();
        (name.as_str().to_owned(), value.to_owned())
    });
    let headers: Vec<_> = headers.collect();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let mut seen = Seen {
        method: parts.method.to_string(),
        host: String::new(),
        target: parts.uri.to_string(),
        headers,
        body: String::from_utf8_lossy(&body.unwrap_or_default()).into_owned(),
    };
    seen.host = seen.header("host").unwrap_or_default().to_owned();
    seen
}

/// A DNS server that answers every A question with [`AZURE`].
async fn names() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            let mut name_end = 12;
            while packet[name_end] != 0 {
                name_end += usize::from(packet[name_end]) + 1;
            }
            let question_end = name_end + 5;
            let is_a = packet[name_end + 1..name_end + 3] == [0, 1] && length >= question_end;
            let mut reply = packet[..question_end].to_vec();
            reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
            if is_a {
                // The name of the question, A, IN, 60 s, 4 bytes.
                reply.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
                let IpAddr::V4(address) = AZURE else { return };
                reply.extend(address.octets());
            }
            drop(socket.send_to(&reply, from).await);
        }
    });
    address
}
