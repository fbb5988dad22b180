//! Listeners: accept, record, speak TLS and HTTP.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::LabError;
use crate::record::{Counted, Path, Records, Service};

pub(crate) type Answer = Response<Full<Bytes>>;

/// Marks an answer that never arrives: the connection ends instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost;

/// What one listener is.
#[derive(Clone)]
pub(crate) struct Listening {
    pub(crate) service: Service,
    pub(crate) path: Path,
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// A socket that is bound, so that its address is known before anybody answers there.
pub(crate) async fn bind() -> Result<(TcpListener, SocketAddr), LabError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Listens on loopback and answers every request with `handler`, until the task set is dropped.
pub(crate) async fn listen<H, F>(
    tasks: &mut JoinSet<()>,
    records: Records,
    listening: Listening,
    handler: H,
) -> Result<SocketAddr, LabError>
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let (listener, address) = bind().await?;
    serve(tasks, listener, records, listening, handler);
    Ok(address)
}

/// Answers every request that comes to `listener`, until the task set is dropped.
pub(crate) fn serve<H, F>(
    tasks: &mut JoinSet<()>,
    listener: TcpListener,
    records: Records,
    listening: Listening,
    handler: H,
) where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    tasks.spawn(async move {
        // Connections belong to the listener and end with it.
        let mut connections = JoinSet::new();
        while let Ok((stream, peer)) = listener.accept().await {
            let Listening { service, path, .. } = listening;
            let hold = records.hold(peer.port()).await;
            let counter = records.open(peer.port(), service, path, "");
            let stream = Counted::new(stream, counter);
            let tls = listening.tls.clone();
            let handler = handler.clone();
            connections.spawn(async move {
                let _hold = hold;
                match tls {
                    None => answer(stream, handler).await,
                    Some(config) => {
                        if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                            answer(stream, handler).await;
                        }
                    }
                }
            });
            while connections.try_join_next().is_some() {}
        }
    });
}

async fn answer<S, H, F>(stream: S, handler: H)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Answer>,
{
    let service = service_fn(|request| {
        let answer = handler(request);
        async {
            let answer = answer.await;
            if answer.extensions().get::<Lost>().is_some() {
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
            }
            Ok(answer)
        }
    });
    // A client that goes away is none of the server's concern.
    drop(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

pub(crate) fn plain(status: StatusCode) -> Answer {
    body(status, "text/plain", "")
}

pub(crate) fn body(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    let kind = header::HeaderValue::from_static(kind);
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}
