//! TLS as the services speak it.

use std::io;
use std::net::TcpStream;

use schannel::schannel_cred::{Direction, SchannelCred};
use schannel::tls_stream::{Builder, HandshakeError};
use sidestep_model::tls::SchannelFault;

/// Shakes hands over `stream` with the server `host` by Windows' own TLS, with
/// the versions, ciphers and authorities that Windows has, and nothing of its own.
/// The stream's own time-outs bound it.
pub fn system_handshake(stream: TcpStream, host: &str) -> Result<(), SchannelFault> {
    let credentials = SchannelCred::builder()
        .acquire(Direction::Outbound)
        .map_err(|error| fault(&error))?;
    match Builder::new().domain(host).connect(credentials, stream) {
        Ok(_) => Ok(()),
        Err(HandshakeError::Failure(error)) => Err(fault(&error)),
        // Only a stream that does not wait is interrupted, or one that waited
        // as long as it may.
        Err(HandshakeError::Interrupted(_)) => Err(SchannelFault::TimedOut),
    }
}

fn fault(error: &io::Error) -> SchannelFault {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => SchannelFault::TimedOut,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted => SchannelFault::Closed,
        _ => SchannelFault::of(error.raw_os_error().unwrap_or_default()),
    }
}
