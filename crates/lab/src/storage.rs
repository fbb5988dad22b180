//! Blob and Queue storage of the vault, as far as a backup uses them.
//!
//! Requests and error bodies as in "Blob service REST API" and "Queue service
//! REST API" (MicrosoftDocs/azure-docs).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use sha2::{Digest, Sha256};
use tokio::fs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{Answer, body, plain};

/// Signs every storage address that the vault gives out.
pub(crate) const SIGNATURE: &str = "sig=rehearsal";

/// The storage account's files.
#[derive(Clone)]
pub(crate) struct Storage {
    folder: Arc<PathBuf>,
}

/// What a stored blob is, read back from where it lies.
pub(crate) struct Stored {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Storage {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder: Arc::new(folder),
        }
    }

    /// `PUT …?comp=block`, `PUT …?comp=blocklist`, `GET …` on one blob.
    pub(crate) async fn blob(self, request: Request<Incoming>) -> Answer {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let Some(name) = safe_name(request.uri().path()).filter(|_| query.contains(SIGNATURE))
        else {
            return denied();
        };
        let parameter = |key: &str| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
        };
        let done = match (request.method(), parameter("comp"), parameter("blockid")) {
            (&Method::PUT, Some("block"), Some(id)) => {
                let file = self.block(&name, id);
                store(&file, request.into_body()).await
            }
            (&Method::PUT, Some("blocklist"), _) => {
                let Ok(list) = request.into_body().collect().await else {
                    return plain(StatusCode::BAD_REQUEST);
                };
                let list = String::from_utf8_lossy(&list.to_bytes()).into_owned();
                self.commit(&name, &list).await
            }
            _ => return plain(StatusCode::NOT_FOUND),
        };
        match done {
            Ok(()) => plain(StatusCode::CREATED),
            Err(error) => body(
                StatusCode::INTERNAL_SERVER_ERROR,
                "application/xml",
                format!("<Error><Code>InternalError</Code><Message>{error}</Message></Error>"),
            ),
        }
    }

    /// Reads a blob back from where it was stored.
    pub(crate) async fn read_back(&self, name: &str) -> std::io::Result<Stored> {
        let mut file = fs::File::open(self.file(name)).await?;
        let mut hash = Sha256::new();
        let mut bytes = 0;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let length = file.read(&mut buffer).await?;
            if length == 0 {
                let sha256 = hex(&hash.finalize());
                return Ok(Stored { bytes, sha256 });
            }
            hash.update(&buffer[..length]);
            bytes += length as u64;
        }
    }

    async fn commit(&self, name: &str, list: &str) -> std::io::Result<()> {
        let mut blob = fs::File::create(self.file(name)).await?;
        for id in list.split("<Latest>").skip(1) {
            let id = id.split("</Latest>").next().unwrap_or_default();
            let path = self.block(name, id);
            let mut block = fs::File::open(&path).await?;
            tokio::io::copy(&mut block, &mut blob).await?;
            fs::remove_file(&path).await?;
        }
        blob.flush().await
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn block(&self, name: &str, id: &str) -> PathBuf {
        self.folder.join(format!("{name}.{}", hex(id.as_bytes())))
    }
}

/// `GET …/messages`: the order that waits for the coordinator.
pub(crate) fn queue(request: &Request<Incoming>) -> Answer {
    let query = request.uri().query().unwrap_or_default();
    if !query.contains(SIGNATURE) || !request.uri().path().ends_with("/messages") {
        return denied();
    }
    body(
        StatusCode::OK,
        "application/xml",
        "<QueueMessagesList><QueueMessage><MessageText>backup</MessageText></QueueMessage>\
         </QueueMessagesList>",
    )
}

/// What the public side answers: the vault takes nothing from there.
pub(crate) fn denied() -> Answer {
    body(
        StatusCode::FORBIDDEN,
        "application/xml",
        "<Error><Code>AuthorizationFailure</Code><Message>This request is not authorized to \
         perform this operation.</Message></Error>",
    )
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.concat()
}

async fn store(file: &Path, mut content: Incoming) -> std::io::Result<()> {
    let mut block = fs::File::create(file).await?;
    while let Some(frame) = content.frame().await {
        let frame = frame.map_err(std::io::Error::other)?;
        if let Some(data) = frame.data_ref() {
            block.write_all(data).await?;
        }
    }
    block.flush().await
}

/// A blob's path as one file name: letters, digits and dashes only.
fn safe_name(path: &str) -> Option<String> {
    let name = path.trim_matches('/').replace('/', "-");
    let safe = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!name.is_empty() && name.chars().all(safe)).then_some(name)
}
