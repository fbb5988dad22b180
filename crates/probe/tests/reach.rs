//! Attempts that go wrong, stage by stage, on loopback.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::net::SocketAddr;
use std::time::Duration;

use sidestep_model::network::{AddressMap, Network, Resolver};
use sidestep_model::observation::{Failure, Stage, Via};
use sidestep_model::proxy_server::ProxyUri;
use sidestep_probe::{open, reach};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

const DEADLINE: Duration = Duration::from_secs(5);

fn world(routes: &[(&str, SocketAddr)]) -> Network {
    let routes = routes.iter().map(|(from, to)| (from.parse().unwrap(), *to));
    Network {
        addresses: AddressMap::closed(routes),
        ..Network::default()
    }
}

/// Answers every connection with `answer` after its first bytes, then closes.
async fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            drop(stream.read(&mut head).await);
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    address
}

#[tokio::test]
async fn what_is_on_no_map_is_unreachable() {
    let seen = reach(&world(&[]), "10.1.0.4", 443, Via::Direct, DEADLINE).await;
    assert_eq!(seen.dns, Stage::NotNeeded);
    assert_eq!(seen.failure(), Some(("tcp", &Failure::Unreachable)));
    assert_eq!(seen.tls, Stage::NotReached);
    assert!(!seen.reached());
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = taken.local_addr().unwrap();
    drop(taken);
    let network = world(&[("10.1.0.4:443", closed)]);
    let seen = reach(&network, "10.1.0.4", 443, Via::Direct, DEADLINE).await;
    assert_eq!(seen.failure(), Some(("tcp", &Failure::Refused)));
}

#[tokio::test]
async fn a_listener_without_tls_fails_there() {
    let network = world(&[(
        "10.1.0.4:443",
        answering("HTTP/1.1 400 Bad Request\r\n\r\n").await,
    )]);
    let seen = reach(&network, "10.1.0.4", 443, Via::Direct, DEADLINE).await;
    assert!(matches!(seen.tcp, Stage::Passed(_)));
    assert_eq!(seen.connect, Stage::NotNeeded);
    assert_eq!(seen.failure().map(|(stage, _)| stage), Some("tls"));
}

#[tokio::test]
async fn a_proxy_that_refuses_the_tunnel_says_its_status() {
    let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let network = world(&[("10.2.0.16:8080", answering(answer).await)]);
    let proxy = Via::Proxy(ProxyUri {
        scheme: "http".to_owned(),
        host: "10.2.0.16".to_owned(),
        port: 8080,
    });
    let seen = reach(&network, "login.microsoftonline.com", 443, proxy, DEADLINE).await;
    assert_eq!(
        seen.failure(),
        Some(("connect", &Failure::ProxyAnswered(403)))
    );
}

#[tokio::test]
async fn silence_is_a_time_out_of_the_stage_that_waits() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let network = world(&[("10.1.0.4:443", listener.local_addr().unwrap())]);
    let deadline = Duration::from_millis(200);
    let seen = reach(&network, "10.1.0.4", 443, Via::Direct, deadline).await;
    assert_eq!(seen.failure(), Some(("tls", &Failure::TimedOut)));

    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let network = Network {
        resolver: Resolver::Servers(vec![silent.local_addr().unwrap()]),
        ..Network::default()
    };
    let seen = reach(&network, "a.example", 443, Via::Direct, deadline).await;
    assert_eq!(seen.failure(), Some(("dns", &Failure::TimedOut)));
    assert!(seen.addresses.is_empty());
}

/// Takes a tunnel where one is asked for, then gives back what it hears.
async fn echoing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut heard = [0; 1024];
            let length = stream.read(&mut heard).await.unwrap();
            if heard.starts_with(b"CONNECT ") {
                let answer = b"HTTP/1.1 200 OK\r\n\r\n";
                stream.write_all(answer).await.unwrap();
                let length = stream.read(&mut heard).await.unwrap();
                stream.write_all(&heard[..length]).await.unwrap();
            } else {
                stream.write_all(&heard[..length]).await.unwrap();
            }
        }
    });
    address
}

#[tokio::test]
async fn either_way_opens_as_far_as_tls() {
    use std::io::{Read as _, Write as _};

    let echo = echoing().await;
    let network = world(&[("10.1.0.4:443", echo), ("10.2.0.16:8080", echo)]);
    let proxy = Via::Proxy(ProxyUri {
        scheme: "http".to_owned(),
        host: "10.2.0.16".to_owned(),
        port: 8080,
    });
    for via in [Via::Direct, proxy] {
        let opened = open(&network, "10.1.0.4", 443, &via, DEADLINE).await;
        let mut stream = opened.unwrap();
        let heard = tokio::task::spawn_blocking(move || {
            stream.write_all(b"hello").unwrap();
            let mut heard = [0; 5];
            stream.read_exact(&mut heard).unwrap();
            heard
        });
        assert_eq!(&heard.await.unwrap(), b"hello", "{via:?}");
    }
    let nowhere = open(&world(&[]), "10.1.0.4", 443, &Via::Direct, DEADLINE).await;
    assert_eq!(nowhere.unwrap_err(), Failure::Unreachable);
}
