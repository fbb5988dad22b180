//! The instance metadata service: the virtual machine asks who it is.
//!
//! Source: "Azure Instance Metadata Service for virtual machines",
//! MicrosoftDocs/azure-docs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use sidestep_model::network::Network;
use tokio::net::TcpStream;

/// Answers on the machine's own host, in milliseconds; elsewhere nobody does.
const DEADLINE: Duration = Duration::from_secs(2);

/// The documents are a few kilobytes.
const LARGEST_ANSWER: usize = 256 * 1024;

const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), 80);

const DOCUMENT: &str = "/metadata/instance?api-version=2021-02-01";

/// Who this virtual machine is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// The cloud, as `AzurePublicCloud`.
    #[serde(rename = "azEnvironment")]
    pub cloud: String,
    /// The region, as `japaneast`.
    pub location: String,
    /// The machine's name.
    pub name: String,
    /// Its resource group.
    #[serde(rename = "resourceGroupName")]
    pub resource_group: String,
    /// Its subscription.
    #[serde(rename = "subscriptionId")]
    pub subscription: String,
}

/// Why the metadata service told nothing.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Nobody answers there: this is no Azure virtual machine, or its network hides the service.
    #[error("the metadata service at 169.254.169.254 does not answer")]
    Silent,
    /// It answered with something else than the document.
    #[error("the metadata service answered {0}")]
    Status(StatusCode),
    /// The connection broke.
    #[error("the metadata service broke the connection off")]
    Broken(#[source] hyper::Error),
    /// The document is not what is documented.
    #[error("the metadata service's document cannot be read")]
    Document(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Asks the metadata service, always directly: it never answers by a proxy.
pub async fn machine(network: &Network) -> Result<Machine, MetadataError> {
    tokio::time::timeout(DEADLINE, ask(network))
        .await
        .unwrap_or(Err(MetadataError::Silent))
}

async fn ask(network: &Network) -> Result<Machine, MetadataError> {
    #[derive(Deserialize)]
    struct Instance {
        compute: Machine,
    }
    let socket = network.addresses.socket(ADDRESS);
    let stream = match socket {
        Some(socket) => TcpStream::connect(socket).await,
        None => return Err(MetadataError::Silent),
    };
    let stream = stream.map_err(|_| MetadataError::Silent)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(MetadataError::Broken)?;
    tokio::spawn(connection);
    let request = Request::builder()
        .uri(DOCUMENT)
        .header(header::HOST, "169.254.169.254")
        .header("Metadata", "true")
        .body(Empty::<Bytes>::new())
        .map_err(|error| MetadataError::Document(error.into()))?;
    let response = sender
        .send_request(request)
        .await
        .map_err(MetadataError::Broken)?;
    if response.status() != StatusCode::OK {
        return Err(MetadataError::Status(response.status()));
    }
    let body = Limited::new(response.into_body(), LARGEST_ANSWER)
        .collect()
        .await
        .map_err(MetadataError::Document)?;
    let instance: Instance = serde_json::from_slice(&body.to_bytes())
        .map_err(|error| MetadataError::Document(error.into()))?;
    Ok(instance.compute)
}

#[cfg(test)]
mod tests {
    use sidestep_model::network::AddressMap;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request on loopback as the metadata service does.
    async fn answering(status: &str, body: &str) -> (Network, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = AddressMap::closed([(ADDRESS, listener.local_addr().unwrap())]);
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).to_lowercase()
        });
        let network = Network {
            addresses,
            ..Network::default()
        };
        (network, asked)
    }

    #[tokio::test]
    async fn tells_who_the_machine_is() {
        let body = r#"{"compute":{"azEnvironment":"AzurePublicCloud","location":"japaneast",
            "name":"sqlvm1","resourceGroupName":"rg-sql","vmId":"x",
            "subscriptionId":"00000000-0000-0000-0000-000000000000"},"network":{}}"#;
        let (network, asked) = answering("200 OK", body).await;
        let machine = machine(&network).await.unwrap();
        assert_eq!(
            (machine.name.as_str(), machine.location.as_str()),
            ("sqlvm1", "japaneast")
        );
        let request = asked.await.unwrap();
        assert!(request.starts_with("get /metadata/instance?api-version="));
        assert!(request.contains("\r\nmetadata: true\r\n"));
    }

    #[tokio::test]
    async fn a_refusal_and_a_silence_are_told_apart() {
        let (network, _asked) = answering("400 Bad Request", "{}").await;
        let refused = machine(&network).await;
        assert!(matches!(
            refused,
            Err(MetadataError::Status(StatusCode::BAD_REQUEST))
        ));
        let nowhere = Network {
            addresses: AddressMap::closed([]),
            ..Network::default()
        };
        assert!(matches!(
            machine(&nowhere).await,
            Err(MetadataError::Silent)
        ));
    }
}
