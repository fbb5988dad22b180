//! An outsider's client: plain HTTP over TLS, with none of the lab's own code.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file uses its part"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use sidestep_lab::{Cloud, Content, Fault, InitialProxy, Lab, ProxyAddress, Setup};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";
pub(crate) const GROUP: &str =
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg";
pub(crate) const GOOD_LIST: &str = "169.254.169.254;*.backup.windowsazure.com;*.core.windows.net;\
                             *.microsoftonline.com;enterpriseregistration.windows.net";

pub(crate) fn setup(initial: InitialProxy, faults: &[Fault]) -> Setup {
    let network = format!("{GROUP}/providers/Microsoft.Network");
    Setup {
        cloud: Cloud::AzureCloud,
        region: "japaneast".to_owned(),
        geo_code: "jpe".to_owned(),
        tenant: String::new(),
        subscription: SUBSCRIPTION.to_owned(),
        resource_group: "rg".to_owned(),
        vault: "rsv".to_owned(),
        vault_exists: true,
        vault_public_access: false,
        endpoint_id: format!("{network}/privateEndpoints/pe"),
        subnet_id: format!("{network}/virtualNetworks/vnet/subnets/pe"),
        zones: Vec::new(),
        link_vnets: Vec::new(),
        dns_by_hand: false,
        vms: vec![("rg-sql".to_owned(), "sqlvm1-with-a-long-name".to_owned())],
        vm: "sqlvm1-with-a-long-name".to_owned(),
        proxy: ProxyAddress {
            host: "10.2.0.16".to_owned(),
            port: 8080,
        },
        initial,
        databases: vec!["MSSQLSERVER/orders".to_owned()],
        content: Content::Generated {
            bytes: 2_500_000,
            seed: 7,
        },
        faults: faults.to_vec(),
    }
}

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self, pointer: &str) -> &str {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no {pointer} in {:#}", self.body))
    }

    pub(crate) fn code(&self) -> &str {
        self.text("/error/code")
    }

    pub(crate) fn list(&self) -> &[Value] {
        self.body["value"].as_array().map(Vec::as_slice).unwrap()
    }
}

/// One HTTPS request to a loopback socket, for a host by its own name.
pub(crate) async fn https(
    lab: &Lab,
    (socket, host): (SocketAddr, &str),
    request: Request<Full<Bytes>>,
) -> std::io::Result<Seen> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(lab.authority_pem().as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(socket).await?;
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let stream = TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await?;
    over(stream, host, request).await
}

pub(crate) async fn over(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    host: &str,
    mut request: Request<Full<Bytes>>,
) -> std::io::Result<Seen> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(std::io::Error::other)?;
    // Ends with this call, so that a client who gives up hangs up.
    let mut connections = tokio::task::JoinSet::new();
    connections.spawn(connection);
    let host = header::HeaderValue::try_from(host).unwrap();
    request.headers_mut().insert(header::HOST, host);
    let answer = sender.send_request(request).await;
    let answer = answer.map_err(std::io::Error::other)?;
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
    let headers = headers.collect();
    let body = answer
        .into_body()
        .collect()
        .await
        .map_err(std::io::Error::other)?;
    let body = serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null);
    Ok(Seen {
        status,
        headers,
        body,
    })
}

pub(crate) fn socket_of(lab: &Lab, address: &str) -> SocketAddr {
    let address: SocketAddr = address.parse().unwrap();
    let mut routes = lab.routes().into_iter();
    routes.find(|(from, _)| *from == address).unwrap().1
}

/// A client of Resource Manager with a token.
pub(crate) struct Arm<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) token: String,
}

/// By the machine's own identity, which needs no way to Entra ID.
pub(crate) async fn arm(lab: &Lab) -> Arm<'_> {
    let request = Request::get(
        "/metadata/identity/oauth2/token?api-version=2018-02-01\
         &resource=https%3A%2F%2Fmanagement.azure.com%2F",
    );
    let request = request
        .header("Metadata", "true")
        .body(Full::default())
        .unwrap();
    let stream = TcpStream::connect(socket_of(lab, "169.254.169.254:80"))
        .await
        .unwrap();
    let seen = over(stream, "169.254.169.254", request).await.unwrap();
    assert_eq!(seen.status, 200, "{:#}", seen.body);
    Arm {
        lab,
        token: seen.text("/access_token").to_owned(),
    }
}

/// The form that `az` sends for a client secret.
pub(crate) fn form(client: &str, secret: &str) -> String {
    format!(
        "client_id={client}&client_secret={}&grant_type=client_credentials&client_info=1\
         &scope=https%3A%2F%2Fmanagement.azure.com%2F.default",
        secret.replace('~', "%7E")
    )
}

pub(crate) async fn sign_in(lab: &Lab, tenant: &str, form: &str) -> Seen {
    let request = Request::post(format!("/{tenant}/oauth2/v2.0/token"))
        .body(Full::from(form.to_owned()))
        .unwrap();
    let socket = socket_of(lab, "198.51.100.10:443");
    https(lab, (socket, "login.microsoftonline.com"), request)
        .await
        .unwrap()
}

impl Arm<'_> {
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> std::io::Result<Seen> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-ms-client-request-id", "the-clients-own-name");
        if !self.token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(Full::from(body)).unwrap();
        let socket = socket_of(self.lab, "198.51.100.50:443");
        https(self.lab, (socket, "management.azure.com"), request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Seen {
        self.send(Method::GET, &versioned(path), None)
            .await
            .unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Seen {
        self.send(Method::PUT, &versioned(path), Some(body))
            .await
            .unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Option<Value>) -> Seen {
        self.send(Method::POST, &versioned(path), body)
            .await
            .unwrap()
    }

    /// Follows a header's address, verbatim, until `is_over`.
    pub(crate) async fn follow(&self, address: &str, is_over: impl Fn(&Seen) -> bool) -> Seen {
        let path = address
            .strip_prefix("https://management.azure.com")
            .unwrap();
        for _ in 0..1000 {
            let seen = self.send(Method::GET, path, None).await.unwrap();
            if is_over(&seen) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{path} does not end");
    }

    /// Follows `Location` to what it ends with.
    pub(crate) async fn located(&self, seen: &Seen) -> Seen {
        let address = seen.header("Location").unwrap().to_owned();
        self.follow(&address, |seen| seen.status != 202).await
    }

    /// Follows `Azure-AsyncOperation` to its last status.
    pub(crate) async fn done(&self, seen: &Seen) -> Seen {
        let address = seen.header("Azure-AsyncOperation").unwrap().to_owned();
        let is_over = |seen: &Seen| seen.text("/status") != "InProgress";
        self.follow(&address, is_over).await
    }

    /// The endpoint, and zone groups of the hub's zones.
    pub(crate) async fn make_endpoint(&self) {
        let seen = self.put(&endpoint(), endpoint_body()).await;
        assert_eq!(seen.status, 201, "{:#}", seen.body);
        assert_eq!(self.done(&seen).await.text("/status"), "Succeeded");
        let all = "providers/Microsoft.Network/privateDnsZones";
        let zones = self
            .get(&format!("/subscriptions/{SUBSCRIPTION}/{all}"))
            .await;
        let configs: Vec<Value> = zones
            .list()
            .iter()
            .map(|zone| json!({ "name": zone["name"], "properties": { "privateDnsZoneId": zone["id"] } }))
            .collect();
        let body = json!({ "properties": { "privateDnsZoneConfigs": configs } });
        let seen = self
            .put(
                &format!("{}/privateDnsZoneGroups/default", endpoint()),
                body,
            )
            .await;
        assert_eq!(seen.status, 201, "{:#}", seen.body);
        assert_eq!(self.done(&seen).await.text("/status"), "Succeeded");
    }

    pub(crate) async fn register(&self) -> Seen {
        self.put(&container(), registration()).await
    }

    pub(crate) async fn protect(&self) -> Seen {
        self.put(&item(), protection()).await
    }

    /// Orders a backup and follows its job to the end.
    pub(crate) async fn backed_up(&self) -> Seen {
        let seen = self
            .post(&format!("{}/backup", item()), Some(order("Full")))
            .await;
        assert_eq!(seen.status, 202, "{:#}", seen.body);
        let seen = self.done(&seen).await;
        self.job(seen.text("/properties/jobId")).await
    }

    pub(crate) async fn job(&self, id: &str) -> Seen {
        let path = versioned(&format!("{}/backupJobs/{id}", vault()));
        let is_over = |seen: &Seen| seen.text("/properties/status") != "InProgress";
        self.follow(&format!("https://management.azure.com{path}"), is_over)
            .await
    }
}

pub(crate) fn versioned(path: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}api-version=2024-04-01")
}

pub(crate) fn vault() -> String {
    format!("{GROUP}/providers/Microsoft.RecoveryServices/vaults/rsv")
}

pub(crate) fn endpoint() -> String {
    format!("{GROUP}/providers/Microsoft.Network/privateEndpoints/pe")
}

pub(crate) fn endpoint_body() -> Value {
    json!({
        "location": "japaneast",
        "properties": {
            "privateLinkServiceConnections": [{
                "name": "conn",
                "properties": { "groupIds": ["AzureBackup"], "privateLinkServiceId": vault() },
            }],
            "subnet": { "id": setup(InitialProxy::None, &[]).subnet_id },
        },
    })
}

pub(crate) fn machine() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-sql/providers/Microsoft.Compute/\
         virtualMachines/sqlvm1-with-a-long-name"
    )
}

pub(crate) fn container() -> String {
    format!(
        "{}/backupFabrics/Azure/protectionContainers/\
         VMAppContainer%3BCompute%3Brg-sql%3Bsqlvm1-with-a-long-name",
        vault()
    )
}

pub(crate) fn item() -> String {
    format!(
        "{}/protectedItems/sqldatabase%3Bmssqlserver%3Borders",
        container()
    )
}

pub(crate) fn registration() -> Value {
    json!({ "properties": {
        "backupManagementType": "AzureWorkload",
        "containerType": "VMAppContainer",
        "sourceResourceId": machine(),
        "workloadType": "SQLDataBase",
    } })
}

pub(crate) fn protection() -> Value {
    json!({ "properties": {
        "protectedItemType": "AzureVmWorkloadSQLDatabase",
        "policyId": format!("{}/backupPolicies/HourlyLogBackup", vault()),
    } })
}

pub(crate) fn order(kind: &str) -> Value {
    json!({ "properties": {
        "objectType": "AzureWorkloadBackupRequest",
        "backupType": kind,
        "enableCompression": false,
    } })
}

/// Writes the list into the accounts' blobs by hand, as an administrator's script would.
pub(crate) fn rewrite(lab: &Lab, list: &str, sids: &[&str]) {
    let mut blob: Vec<u8> = Vec::new();
    for number in [0x46_u32, 99, 3] {
        blob.extend(number.to_le_bytes());
    }
    for text in ["10.2.0.16:8080", list, ""] {
        blob.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        blob.extend(text.bytes());
    }
    blob.extend([0; 32]);
    let hex: Vec<String> = blob.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut text = "\u{feff}Windows Registry Editor Version 5.00\r\n\r\n".to_owned();
    for sid in sids {
        text += "[HKEY_USERS\\";
        text += sid;
        text +=
            "\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\Connections]\r\n";
        text += "\"DefaultConnectionSettings\"=hex:";
        text += &hex.join(",");
        text += "\r\n\r\n";
    }
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(lab.registry_file(), bytes).unwrap();
}

pub(crate) const SYSTEM: &str = "S-1-5-18";
pub(crate) const PLUGIN: &str = "S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151";

pub(crate) fn registry(lab: &Lab) -> String {
    let bytes = std::fs::read(lab.registry_file()).unwrap();
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16(&units).unwrap()
}
