//! A backup: the coordinator's calls as SYSTEM, the plugin's stream as its own account.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, header};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::http::{Client, Network, get, send};
use crate::address::{DEVICE_REGISTRATION, Names, public_form};
use crate::content;
use crate::record::{Service, Who};
use crate::registry;
use crate::services::{BLOB, TOKEN};
use crate::setup::{Cloud, Setup};
use crate::storage::{SIGNATURE, hex};

/// What the plugin sends in one request.
const BLOCK_BYTES: usize = 1024 * 1024;
/// Connections that the blocks go over in turn.
const STREAMS: usize = 2;
/// Azure's code where the machine cannot reach what it needs.
const NO_CONNECTIVITY: &str = "UserErrorVMInternetConnectivityIssue";

/// Azure's code where the extension's parts are not there.
const EXTENSION_MISSING: &str = "UserErrorWorkloadExtensionNotInstalled";

/// A backup that was stored, read back and found equal.
#[derive(Clone, Debug, PartialEq)]
pub struct Backup {
    /// `INSTANCE/database`.
    pub database: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Blocks that it was sent in.
    pub blocks: u32,
    /// SHA-256 in hex, of what was sent and of what was read back.
    pub sha256: String,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// A backup that failed, as Azure would report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFailure {
    /// Azure's code.
    pub code: String,
    /// Who met it.
    pub account: Who,
    /// What it wanted.
    pub service: Service,
    /// The name it wanted.
    pub host: String,
    /// What happened.
    pub detail: String,
}

/// The machine.
pub(crate) struct Guest {
    pub(crate) setup: Arc<Setup>,
    pub(crate) names: Names,
    pub(crate) network: Arc<Network>,
}

impl Guest {
    /// The coordinator calls in as SYSTEM: token, Azure Backup, its channel.
    ///
    /// When this or [`Self::back_up`] returns, every connection of it is over and
    /// recorded, and every one through the proxy is in its log.
    pub(crate) async fn call_in(&self) -> Result<(), BackupFailure> {
        let coordinator = self.account(Who::System);
        let result = coordinator.call_in(self.setup.cloud).await;
        self.network.records.settled().await;
        result
    }

    /// Backs a database up by both accounts' present settings; `sent` counts along.
    pub(crate) async fn back_up(
        &self,
        database: &str,
        sent: &AtomicU64,
    ) -> Result<Backup, BackupFailure> {
        let result = self.streamed(database, sent).await;
        self.network.records.settled().await;
        result
    }

    /// What registration leaves behind on the machine: the plugin's account, with
    /// the settings that the company gives every account.
    pub(crate) async fn create_plugin(&self) -> Result<(), BackupFailure> {
        let file = &self.network.registry;
        let created = registry::create_plugin(file, &self.setup).await;
        created.map_err(|error| local_failure(EXTENSION_MISSING, error.to_string()))
    }

    /// Whether the plugin's account is there; without it nothing streams.
    pub(crate) async fn expect_plugin(&self) -> Result<(), BackupFailure> {
        if registry::has_plugin(&self.network.registry).await {
            Ok(())
        } else {
            let detail = "the machine has no account for the plugin";
            Err(local_failure(EXTENSION_MISSING, detail.to_owned()))
        }
    }

    fn account(&self, who: Who) -> Account<'_> {
        Account {
            client: Client {
                network: self.network.clone(),
                who,
            },
            names: &self.names,
        }
    }

    async fn streamed(&self, database: &str, sent: &AtomicU64) -> Result<Backup, BackupFailure> {
        let start = Instant::now();
        let coordinator = self.account(Who::System);
        let plugin = self.account(Who::Plugin);
        coordinator.call_in(self.setup.cloud).await?;
        let is_known = database.split_once('/').is_some_and(|(instance, name)| {
            self.setup.instances().contains(&instance)
                && self
                    .setup
                    .databases_of(instance)
                    .iter()
                    .any(|known| known == name)
        });
        if !is_known {
            let detail = format!("the machine has no database {database}");
            return Err(local_failure("UserErrorSQLPODoesNotExist", detail));
        }
        let (bytes, blocks, sha256) = plugin.stream(&self.setup, sent).await?;
        coordinator
            .call_backup(&self.names.coordinator, "/coordinator/heartbeat", "")
            .await?;
        Ok(Backup {
            database: database.to_owned(),
            bytes,
            blocks,
            sha256,
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}

/// One service of the extension, under its account.
struct Account<'a> {
    client: Client,
    names: &'a Names,
}

impl Account<'_> {
    async fn call_in(&self, cloud: Cloud) -> Result<(), BackupFailure> {
        // Neither of these two ends a backup: the machine only looks around.
        drop(
            self.client
                .get_plain("169.254.169.254", "/metadata/instance")
                .await,
        );
        if cloud == Cloud::AzureCloud {
            drop(self.client.ask(DEVICE_REGISTRATION, get("/")).await);
        }
        self.token().await?;
        self.call_backup(&self.names.coordinator, "/coordinator/heartbeat", "")
            .await?;
        let queue = &self.names.queue;
        let order = get(&format!("/orders/messages?{SIGNATURE}"));
        let answer = self.client.ask(queue, order).await;
        self.expect(Service::Queue, queue, StatusCode::OK, answer)?;
        Ok(())
    }

    async fn stream(
        &self,
        setup: &Setup,
        sent: &AtomicU64,
    ) -> Result<(u64, u32, String), BackupFailure> {
        self.token().await?;
        self.call_backup(&self.names.protection, "/protection/start", "")
            .await?;
        let blob = &self.names.blob;
        let mut connections = Vec::new();
        for _ in 0..STREAMS {
            let connection = self.client.connect(blob).await;
            connections
                .push(connection.map_err(|detail| self.failure(Service::Blob, blob, detail))?);
        }
        let mut content = content::open(&setup.content)
            .await
            .map_err(|error| self.failure(Service::Other, "", error.to_string()))?;
        let mut hash = Sha256::new();
        let (mut bytes, mut list) = (0, String::new());
        let mut blocks = 0_u32;
        loop {
            let block = next_block(&mut content)
                .await
                .map_err(|error| self.failure(Service::Other, "", error.to_string()))?;
            if block.is_empty() && blocks > 0 {
                break;
            }
            hash.update(&block);
            bytes += block.len() as u64;
            let id = format!("{blocks:08}");
            list = format!("{list}<Latest>{id}</Latest>");
            let path = format!("/{BLOB}?comp=block&blockid={id}&{SIGNATURE}");
            let next = blocks as usize % STREAMS;
            let is_last = block.len() < BLOCK_BYTES;
            let answer = connections[next]
                .send(send(Method::PUT, &path, block))
                .await;
            self.expect(Service::Blob, blob, StatusCode::CREATED, answer)?;
            sent.store(bytes, Ordering::Relaxed);
            blocks += 1;
            if is_last {
                break;
            }
        }
        let list = format!("<BlockList>{list}</BlockList>");
        let path = format!("/{BLOB}?comp=blocklist&{SIGNATURE}");
        let answer = connections[0].send(send(Method::PUT, &path, list)).await;
        self.expect(Service::Blob, blob, StatusCode::CREATED, answer)?;
        let sha256 = hex(&hash.finalize());
        self.call_backup(&self.names.protection, "/protection/complete", &sha256)
            .await?;
        Ok((bytes, blocks, sha256))
    }

    async fn token(&self) -> Result<(), BackupFailure> {
        let host = &self.names.entra;
        let request = send(
            Method::POST,
            "/rehearsal/oauth2/token",
            "grant_type=client_credentials",
        );
        let answer = self.client.ask(host, request).await;
        let token = self.expect(Service::Entra, host, StatusCode::OK, answer)?;
        if String::from_utf8_lossy(&token).contains(TOKEN) {
            Ok(())
        } else {
            Err(self.failure(Service::Entra, host, "the answer holds no token".to_owned()))
        }
    }

    /// Calls the private name and, where that cannot be reached, the public one,
    /// as the extension is documented to do.
    async fn call_backup(&self, host: &str, path: &str, body: &str) -> Result<(), BackupFailure> {
        let request = || authorized(send(Method::POST, path, body.to_owned()));
        let answer = match self.client.ask(host, request()).await {
            Err(detail) => match self.client.ask(&public_form(host), request()).await {
                Ok((status, _)) if status.is_client_error() => {
                    Err(format!("{detail}; its public name answered {status}"))
                }
                Ok(answer) => Ok(answer),
                Err(_) => Err(detail),
            },
            answer => answer,
        };
        match answer {
            Ok((status, _)) if status.is_success() => Ok(()),
            Ok((status, _)) => {
                let detail = format!("{host} answered {status}");
                Err(self.failure(Service::Backup, host, detail))
            }
            Err(detail) => Err(self.failure(Service::Backup, host, detail)),
        }
    }

    fn expect(
        &self,
        service: Service,
        host: &str,
        wanted: StatusCode,
        answer: Result<(StatusCode, Bytes), String>,
    ) -> Result<Bytes, BackupFailure> {
        match answer {
            Ok((status, body)) if status == wanted => Ok(body),
            Ok((status, _)) => {
                Err(self.failure(service, host, format!("{host} answered {status}")))
            }
            Err(detail) => Err(self.failure(service, host, detail)),
        }
    }

    fn failure(&self, service: Service, host: &str, detail: String) -> BackupFailure {
        BackupFailure {
            code: NO_CONNECTIVITY.to_owned(),
            account: self.client.who,
            service,
            host: host.to_owned(),
            detail,
        }
    }
}

/// What goes wrong on the machine itself.
fn local_failure(code: &str, detail: String) -> BackupFailure {
    BackupFailure {
        code: code.to_owned(),
        account: Who::Plugin,
        service: Service::Other,
        host: String::new(),
        detail,
    }
}

fn authorized(mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    if let Ok(token) = header::HeaderValue::try_from(format!("Bearer {TOKEN}")) {
        request.headers_mut().insert(header::AUTHORIZATION, token);
    }
    request
}

async fn next_block(content: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    content
        .take(BLOCK_BYTES as u64)
        .read_to_end(&mut block)
        .await?;
    Ok(block)
}
