//! Made-up settings and URLs: realistic ones, and what goes wrong with them.
//!
//! The same sequence every time, so that a disagreement can be found again.

use std::net::IpAddr;

use sidestep_model::bypass::HostContext;

use super::Case;

const NAMES: &[&str] = &[
    "login.microsoftonline.com",
    "abc01.blob.core.windows.net",
    "pod01-fab1.jpe.backup.windowsazure.com",
    "ab.privatelink.blob.core.windows.net",
    "a.b.c",
    "contoso.com",
    "sub.contoso.com",
    "a",
    "ab",
    "h",
    "https",
    "intranet",
    "myhost.",
    "localhost",
    "LOCALHOST",
    "loopback",
    "localhost.",
    "app.localhost",
    "wpad",
    "xn--bb-bjab.eu",
    "bébé.eu",
    "BÉBÉ.eu",
    "日本.example",
    "a_b.c-d",
    "_sip._tcp.x",
    "_a.b",
    "-",
    "a-.b",
    "127.0.0.1.example",
];
const ADDRESSES: &[&str] = &[
    "20.190.128.5",
    "10.0.0.4",
    "127.0.0.1",
    "127.8.9.10",
    "168.63.129.16",
    "169.254.169.254",
    "[::1]",
    "[2001:db8::1]",
    "[fe80::1%4]",
    "[::ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[::ffff:0:5]",
    "[2001:DB8:0:0:8:0:0:1]",
    "[::5efe:10.0.0.4]",
    "[1:0:0:0:0:5efe:0:0]",
    "[::1/64]",
    "[::]",
];
const SCHEMES: &[&str] = &[
    "https", "https", "https", "http", "http", "HTTP", "ftp", "gopher", "ws", "wss", "foo",
];
const PORTS: &[&str] = &[
    "80", "443", "21", "8080", "8443", "3128", "0", "00443", "65535", "65536", "99999", "", "x",
    "8 0",
];
const SEPARATORS: &[&str] = &[
    ";",
    ";",
    ";",
    ";",
    ";;",
    "; ",
    " ;",
    ";\r\n",
    " ",
    ",",
    "\n",
    "|",
    "\t;\u{a0}",
];
const JUNK: &[char] = &[
    '*', '*', '*', ':', '.', '.', '/', '\\', '?', '#', '@', '-', '_', ' ', '\t', '<', '>', '[',
    ']', '(', ')', '{', '}', '|', '^', '$', '+', '%', '=', '&', '!', '~', 'a', 'b', 'c', 'h', 's',
    't', 'X', '0', '1', '2', '4', '8', 'é', '。',
];

/// The source of cases.
pub(super) struct Generator<'a> {
    state: u64,
    here: &'a HostContext,
}

impl<'a> Generator<'a> {
    pub(super) fn new(seed: u64, here: &'a HostContext) -> Self {
        Self { state: seed, here }
    }

    /// A list that often covers its URL.
    pub(super) fn list_case(&mut self) -> Case {
        let host = self.host();
        let scheme = self.pick(SCHEMES);
        let port = if self.one_in(3) {
            format!(":{}", self.pick(PORTS))
        } else {
            String::new()
        };
        let url = self.url(scheme, &format!("{host}{port}"));
        let mut bypass_list = String::new();
        for _ in 0..self.below(6) {
            bypass_list += &self.entry(scheme, &host);
            bypass_list += self.pick(SEPARATORS);
        }
        if self.one_in(2) {
            bypass_list += &self.entry(scheme, &host);
        }
        let proxy_server = if self.one_in(20) {
            "http=10.2.0.16:3128"
        } else {
            "10.2.0.16:3128"
        };
        Case {
            proxy_server: proxy_server.to_owned(),
            bypass_list,
            url,
        }
    }

    /// A `ProxyServer` string, most often without a list.
    pub(super) fn proxy_server_case(&mut self) -> Case {
        let scheme = self.pick(SCHEMES);
        let authority = self.pick(NAMES).to_owned();
        let url = self.url(scheme, &authority);
        let proxy_server = match self.below(10) {
            0..=3 => self.proxy(),
            4..=8 => {
                let mut list = String::new();
                for _ in 0..=self.below(4) {
                    list += self.pick(&[
                        "http", "https", "https", "ftp", "socks", "HTTPS", "gopher", "", "foo",
                        " http ",
                    ]);
                    list += self.pick(&["=", "=", "=", "=", " = ", "==", ""]);
                    list += &self.proxy();
                    list += self.pick(&[";", ";", ";", ";;", " ; ", " ", ",", ""]);
                }
                list
            }
            _ => self.junk(8),
        };
        let proxy_server = if self.one_in(8) {
            self.mutated(&proxy_server)
        } else {
            proxy_server
        };
        let bypass_list = if self.one_in(8) {
            self.entry(scheme, &authority)
        } else {
            String::new()
        };
        Case {
            proxy_server,
            bypass_list,
            url,
        }
    }

    fn url(&mut self, scheme: &str, authority: &str) -> String {
        // An unregistered scheme may name a drive or nothing, which is no destination,
        // and reads numbers by rules of its own.
        let names_a_host = authority.len() > 2
            && authority.starts_with(|c: char| c.is_alphabetic() || c == '[')
            && !authority.contains(['|', '/', '\\']);
        let scheme = if scheme == "foo" && !names_a_host {
            "https"
        } else {
            scheme
        };
        let user = if self.one_in(30) {
            self.pick(&["u@", "u:p@", "u@v@", "@"])
        } else {
            ""
        };
        let tail = self.pick(&[
            "/",
            "/",
            "/",
            "",
            "/path?q#f",
            "?q",
            "#f",
            "/p@q:8",
            "\\",
            "/*",
        ]);
        format!("{scheme}://{user}{authority}{tail}")
    }

    fn host(&mut self) -> String {
        let host = match self.below(20) {
            0..=8 => self.pick(NAMES).to_owned(),
            9..=12 => self.pick(ADDRESSES).to_owned(),
            13..=15 => self.ipv4_spelling(),
            16 | 17 => self.ipv6(),
            18 => self.own_address(),
            _ => self.junk(6),
        };
        if self.one_in(12) {
            self.mutated(&host)
        } else {
            host
        }
    }

    fn ipv4_spelling(&mut self) -> String {
        let parts = 1 + self.below(4);
        let mut text = String::new();
        for part in 0..parts {
            let value = match self.below(6) {
                0 => 127,
                1 => self.below(70_000),
                2 if part + 1 == parts => self.below(1 << 33),
                _ => self.below(300),
            };
            let spelling = match self.below(4) {
                0 => format!("0x{value:X}"),
                1 => format!("0{value:o}"),
                _ => value.to_string(),
            };
            text.push_str(&spelling);
            if part + 1 < parts || self.one_in(20) {
                text.push('.');
            }
        }
        text
    }

    fn ipv6(&mut self) -> String {
        let mut groups: Vec<String> = (0..8)
            .map(|_| match self.below(5) {
                0..=2 => "0".to_owned(),
                3 => format!("{:x}", self.below(0x1_0000)),
                _ => self
                    .pick(&["ffff", "5EFE", "7f00", "1", "fe80", "0001", "00000"])
                    .to_owned(),
            })
            .collect();
        if self.one_in(4) {
            let last = self.pick(&["10.0.0.4", "127.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.256"]);
            groups.splice(6.., [last.to_owned()]);
        }
        if self.one_in(3) {
            let start = self.below(groups.len());
            let end = start + self.below(groups.len() - start + 1);
            groups.splice(start..end, [String::new()]);
        }
        let mut text = groups.join(":");
        if text.starts_with(':') {
            text.insert(0, ':');
        }
        if text.ends_with(':') {
            text.push(':');
        }
        let suffix = if self.one_in(8) {
            self.pick(&["%eth0", "%1", "/64", "/129", "/", "%1/8"])
        } else {
            ""
        };
        format!("[{text}{suffix}]")
    }

    /// Mono finds no IPv6 address of its own on Linux.
    fn own_address(&mut self) -> String {
        let own: Vec<String> = self
            .here
            .own_addresses
            .iter()
            .filter(|address| IpAddr::is_ipv4(address))
            .map(ToString::to_string)
            .collect();
        if own.is_empty() {
            "127.0.0.1".to_owned()
        } else {
            own[self.below(own.len())].clone()
        }
    }

    fn entry(&mut self, scheme: &str, host: &str) -> String {
        let entry = match self.below(24) {
            0 | 1 => host.to_owned(),
            2..=4 => self.globbed(host),
            5 => format!("*{}", &host[host.find('.').unwrap_or(0)..]),
            6 => format!("{}*", &host[..host.find('.').unwrap_or(host.len())]),
            7 => format!("{}:{}", host, self.pick(PORTS)),
            8 => format!("{}://{}", scheme.to_ascii_uppercase(), host),
            9 => {
                let globbed = self.globbed(host);
                format!("{scheme}://{globbed}:{}", self.pick(PORTS))
            }
            10 => {
                let text = format!("{scheme}://{host}");
                self.globbed(&text)
            }
            11 => format!("*:{}", self.pick(PORTS)),
            12 | 13 => self
                .pick(&[
                    "<local>",
                    "<LOCAL>",
                    "<local>",
                    "< local>",
                    "<-loopback>",
                    "<local>x",
                ])
                .to_owned(),
            14 => self
                .pick(&[
                    "h*", "http*", "*s*", "*/*", "*://*", "*//*", "://", "//", "*.*", "*", "**",
                    ".", ":", "*:*", "?*",
                ])
                .to_owned(),
            15 => format!(
                "{host}{}",
                self.pick(&["/", "/24", ".", "\u{a0}", "/*", ",b", " b", "?"])
            ),
            16 => format!(".{host}"),
            17 => self.pick(ADDRESSES).to_owned(),
            18 => self.ipv4_spelling(),
            19 | 20 => self.pick(NAMES).to_owned(),
            21 => format!("[{}]", self.junk(4)),
            _ => self.junk(6),
        };
        if self.one_in(10) {
            self.mutated(&entry)
        } else {
            entry
        }
    }

    /// Some stretches of the text become wildcards.
    fn globbed(&mut self, text: &str) -> String {
        let mut globbed = String::new();
        let mut swallow = 0;
        for character in text.chars() {
            if swallow > 0 {
                swallow -= 1;
            } else if self.one_in(5) {
                globbed.push('*');
                swallow = self.below(4);
            } else {
                globbed.push(character);
            }
        }
        globbed
    }

    fn proxy(&mut self) -> String {
        let scheme = match self.below(8) {
            0 | 1 => "http://",
            2 => self.pick(&[
                "https://",
                "socks5://",
                "ftp://",
                "HTTP://",
                "foo://",
                "://",
                "1x://",
            ]),
            _ => "",
        };
        let user = if self.one_in(12) {
            self.pick(&["u:p@", "u@", "@"])
        } else {
            ""
        };
        let host = self.host();
        let port = if self.one_in(4) {
            ""
        } else {
            self.pick(&[":3128", ":8080", ":80", ":99999", ":x", ":", ":0"])
        };
        let tail = if self.one_in(8) {
            self.pick(&["/", "/a b", "?", " ", "\\", ";"])
        } else {
            ""
        };
        format!("{scheme}{user}{host}{port}{tail}")
    }

    fn junk(&mut self, longest: usize) -> String {
        (0..=self.below(longest))
            .map(|_| JUNK[self.below(JUNK.len())])
            .collect()
    }

    /// One or two characters inserted, dropped, replaced or turned upper case.
    fn mutated(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        for _ in 0..=self.below(2) {
            let at = self.below(characters.len() + 1);
            let junk = JUNK[self.below(JUNK.len())];
            match (self.below(4), characters.get_mut(at)) {
                (0, Some(character)) => *character = junk,
                (1, Some(character)) => character.make_ascii_uppercase(),
                (2, Some(_)) => drop(characters.remove(at)),
                _ => characters.insert(at, junk),
            }
        }
        characters.into_iter().collect()
    }

    fn pick<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len())]
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// `SplitMix64` (Steele, Lea and Flood, 2014).
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        usize::try_from(bits % (limit as u64)).unwrap_or(0)
    }
}
