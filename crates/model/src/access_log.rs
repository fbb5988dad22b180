//! Lines of a proxy's access log.

/// One request as the proxy logged it, borrowed from its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// When it ended, in seconds since the epoch with a fraction, as written.
    pub time: &'a str,
    /// Who asked.
    pub client: &'a str,
    /// The name asked for, without a port.
    pub host: &'a str,
    /// Bytes sent to the client.
    pub bytes: u64,
}

/// Parses a line of squid's native format:
/// `time elapsed client code/status bytes method URL user hierarchy/peer type`.
///
/// `None` for a line that is not of that format.
#[must_use]
pub fn parse_squid(line: &str) -> Option<Request<'_>> {
    let mut fields = line.split_ascii_whitespace();
    let time = fields.next()?;
    let (seconds, fraction) = time.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) {
        return None;
    }
    let _elapsed: i64 = fields.next()?.parse().ok()?;
    let client = fields.next()?;
    let _code = fields.next()?.split_once('/')?;
    let bytes = fields.next()?.parse().ok()?;
    let _method = fields.next()?;
    let host = host_of(fields.next()?)?;
    Some(Request {
        time,
        client,
        host,
        bytes,
    })
}

/// The host of `host:port` (CONNECT) or of an absolute URL.
fn host_of(target: &str) -> Option<&str> {
    let authority = match target.split_once("://") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next()?,
        None => target,
    };
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = if authority.starts_with('[') {
        authority.split_inclusive(']').next()?
    } else {
        authority.split(':').next()?
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_tunnel_a_plain_request_and_refuses_other_lines() {
        let tunnel = "1764000000.129    215 10.1.0.10 TCP_TUNNEL/200 4210 CONNECT \
                      acct.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -";
        assert_eq!(
            parse_squid(tunnel),
            Some(Request {
                time: "1764000000.129",
                client: "10.1.0.10",
                host: "acct.blob.core.windows.net",
                bytes: 4210,
            })
        );
        let plain = "1764000000.129 1 10.1.0.10 TCP_MISS/503 0 GET http://169.254.169.254/a?b - HIER_NONE/- -";
        assert_eq!(parse_squid(plain).map(|r| r.host), Some("169.254.169.254"));
        let six = "1764000000.129 1 ::1 TCP_MISS/200 7 CONNECT [2001:db8::1]:443 - HIER_NONE/- -";
        assert_eq!(parse_squid(six).map(|r| r.host), Some("[2001:db8::1]"));
        for bad in [
            "",
            "hello",
            "1764000000 1 a b/c 1 GET h",
            "1.2 x a b/c 1 GET h",
        ] {
            assert_eq!(parse_squid(bad), None, "{bad}");
        }
    }
}
