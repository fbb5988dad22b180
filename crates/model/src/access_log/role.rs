//! What proxies call their columns.

/// What a column holds that an audit asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Host,
    /// Where the host stands in what may be more: a URL, or a host with its port.
    Url,
    Client,
    Bytes,
    Time,
    Date,
    Status,
}

impl Role {
    pub(super) const COUNT: usize = 7;
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::Host,
        Self::Url,
        Self::Client,
        Self::Bytes,
        Self::Time,
        Self::Date,
        Self::Status,
    ];

    /// What it is chosen by: the host may stand in a URL anyway.
    pub(super) fn key(self) -> Option<&'static str> {
        match self {
            Self::Host => Some("host"),
            Self::Url => None,
            Self::Client => Some("client"),
            Self::Bytes => Some("bytes"),
            Self::Time => Some("time"),
            Self::Date => Some("date"),
            Self::Status => Some("status"),
        }
    }

    /// What proxies call it, the best first: W3C's identifiers as Blue Coat
    /// (Broadcom TECH244752) and Microsoft's proxies log them, Zscaler's
    /// (help.zscaler.com, NSS Feed Output Format: Web Logs), Elastic's common
    /// schema, and what people call their own.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Host => &[
                "cs-host",
                "cs-uri-host",
                "cs(host)",
                "r-host",
                "ehost",
                "url.domain",
                "destination.domain",
                "host",
                "hostname",
                "domain",
            ],
            Self::Url => &["cs-uri", "cs-url", "url", "eurl", "uri", "target"],
            Self::Client => &[
                "c-ip",
                "cip",
                "client_ip",
                "clientip",
                "client.ip",
                "source.ip",
                "src_ip",
                "source_ip",
                "remote_addr",
                "client",
            ],
            Self::Bytes => &[
                "sc-bytes",
                "respsize",
                "bytes_sent",
                "response_size",
                "http.response.bytes",
                "bytes",
                "size",
            ],
            Self::Time => &[
                "@timestamp",
                "timestamp",
                "datetime",
                "epochtime",
                "time",
                "ts",
            ],
            Self::Date => &["date"],
            Self::Status => &[
                "sc-status",
                "respcode",
                "http.response.status_code",
                "status_code",
                "status",
            ],
        }
    }

    /// The role of a name, and its rank among the names of that role.
    pub(super) fn of(name: &[u8]) -> Option<(Self, usize)> {
        Self::ALL.into_iter().find_map(|role| {
            let mut names = role.names().iter();
            let rank = names.position(|known| known.as_bytes().eq_ignore_ascii_case(name))?;
            Some((role, rank))
        })
    }
}
