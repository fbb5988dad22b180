//! The TLS client: the system's authorities, and a rehearsal's own.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// A client that trusts the system's authorities or, in a rehearsal, only the
/// rehearsal's: there, nothing of the real world is to be believed.
pub(crate) fn client(only_authority_pem: Option<&str>) -> Result<ClientConfig, String> {
    let roots = match only_authority_pem {
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            let authority = CertificateDer::from_pem_slice(pem.as_bytes())
                .map_err(|error| error.to_string())?;
            roots.add(authority).map_err(|error| error.to_string())?;
            roots
        }
        None => system_roots().clone(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// Loading the system's authorities takes tens of milliseconds: once is enough.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    })
}
