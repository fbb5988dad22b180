//! Signing in, and what goes wrong with it.

use std::net::SocketAddr;

use crate::loopback::{ENTRA, Loopback, SECRET, answer, options, vault};
use sidestep_azure::{Azure, AzureError, Credential};
use sidestep_model::network::{AddressMap, Network, Resolver};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

async fn refused_with(status: u16, body: &'static str) -> AzureError {
    let azure = Loopback::start_all(move |seen, _| {
        if seen.host == ENTRA {
            answer(status, body)
        } else {
            answer(200, "{}")
        }
    })
    .await;
    let error = azure.azure().vault(&vault()).await.unwrap_err();
    assert!(azure.seen().is_empty(), "without a token ARM is not asked");
    let shown = format!("{error} {error:?} {:?}", azure.azure());
    assert!(!shown.contains(SECRET), "{shown}");
    error
}

#[tokio::test]
async fn an_expired_secret_is_told_by_its_code() {
    let error = refused_with(
        401,
        r#"{"error":"invalid_client","error_codes":[7000222],"error_description":"AADSTS7000222: The provided client secret keys for app '2' are expired. Trace ID: x\r\nTimestamp: y"}"#,
    )
    .await;
    let AzureError::SignInRejected { code, detail, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(code.as_deref(), Some("AADSTS7000222"));
    assert!(
        detail.starts_with("AADSTS7000222: The provided client secret keys"),
        "{detail}"
    );
}

#[tokio::test]
async fn an_answer_that_quotes_the_secret_is_masked() {
    let error = refused_with(
        400,
        r#"{"error_codes":[90002],"error_description":"AADSTS90002: no tenant for ge~heim.1234"}"#,
    )
    .await;
    assert!(error.to_string().contains("***"), "{error}");
}

#[tokio::test]
async fn somebody_else_at_the_sign_in_host_is_told() {
    for (status, body) in [
        (200, "<html>Please log in to the proxy ge~heim.1234</html>"),
        (407, "<html>"),
        (503, ""),
    ] {
        let error = refused_with(status, body).await;
        assert!(
            matches!(&error, AzureError::SignInUnreachable { host, .. } if host == ENTRA),
            "{status}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_sign_in_host_that_nobody_reaches_is_named_with_the_way() {
    let azure = Loopback::start(|_, _| answer(200, "{}")).await;
    let mut options = options(azure.network.clone());
    options.network.addresses = AddressMap::closed([]);
    let client = Azure::connect(options).unwrap();
    let error = client.vault(&vault()).await.unwrap_err();
    let AzureError::SignInUnreachable { host, route, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((host.as_str(), route.as_str()), (ENTRA, "directly"));
}

#[tokio::test]
async fn an_unknown_authority_is_told() {
    let azure = Loopback::start(|_, _| answer(200, "{}")).await;
    let other = Loopback::start(|_, _| answer(200, "{}")).await;
    let mut options = options(azure.network.clone());
    options.network.only_authority_pem = other.network.only_authority_pem.clone();
    let client = Azure::connect(options).unwrap();
    let error = client.vault(&vault()).await.unwrap_err();
    assert!(
        matches!(&error, AzureError::SignInUnreachable { detail, .. } if detail.contains("certificate")),
        "{error}"
    );
}

/// The metadata service on loopback; answers every request alike.
async fn metadata(status: &'static str, body: &'static str) -> (SocketAddr, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
            assert!(request.contains("host: 169.254.169.254\r\n"), "{request}");
            assert!(request.contains("metadata: true\r\n"), "{request}");
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (SocketAddr::from(([169, 254, 169, 254], 80)), socket)
}

async fn by_machine(routes: Vec<(SocketAddr, SocketAddr)>) -> Result<(), AzureError> {
    let network = Network {
        addresses: AddressMap::closed(routes),
        resolver: Resolver::Servers(Vec::new()),
        only_authority_pem: None,
    };
    let mut options = options(network);
    options.credential = Credential::ManagedIdentity { client_id: None };
    let client = Azure::connect(options).unwrap();
    client.vault(&vault()).await.map(|_| ())
}

#[tokio::test]
async fn a_machines_identity_is_asked_for_where_the_world_has_the_service() {
    let service = metadata(
        "200 OK",
        r#"{"access_token":"t","expires_on":"4102444800","token_type":"Bearer","resource":"r"}"#,
    )
    .await;
    let error = by_machine(vec![service]).await.unwrap_err();
    assert!(
        matches!(error, AzureError::Unreachable { .. }),
        "signed in, but no ARM: {error}"
    );

    let service = metadata("400 Bad Request", r#"{"error":"invalid_request"}"#).await;
    let error = by_machine(vec![service]).await.unwrap_err();
    assert!(
        matches!(&error, AzureError::NoCredential { detail, .. } if detail.contains("not been assigned")),
        "{error}"
    );
}

#[tokio::test]
async fn no_machine_is_told_at_once() {
    let begin = std::time::Instant::now();
    let error = by_machine(Vec::new()).await.unwrap_err();
    assert!(matches!(&error, AzureError::NoCredential { .. }), "{error}");
    assert!(begin.elapsed().as_secs() < 1);
}

#[test]
fn the_environment_names_a_credential() {
    let named = |pairs: &[(&str, &str)]| {
        Credential::from_variables(|name| {
            let mut pairs = pairs.iter();
            pairs.find_map(|(key, value)| (*key == name).then(|| (*value).to_owned()))
        })
    };
    let application = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
    assert!(named(&application).is_none());
    let secret = named(&[
        application[0],
        application[1],
        ("AZURE_CLIENT_SECRET", SECRET),
    ])
    .unwrap();
    assert!(matches!(&secret, Credential::ClientSecret { .. }));
    assert!(!format!("{secret:?}").contains(SECRET));
    let federated = named(&[
        application[0],
        application[1],
        ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
    ]);
    assert!(matches!(federated, Some(Credential::WorkloadIdentity)));
    assert!(named(&[("AZURE_CLIENT_SECRET", SECRET)]).is_none());
}
