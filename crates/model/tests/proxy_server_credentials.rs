//! Credentials in a `ProxyServer` string come out nowhere, whatever stands in them.

use sidestep_model::bypass::Consumer;
use sidestep_model::proxy_server::{ProxyServerError, masked, select};

#[test]
fn a_semicolon_ends_a_password_only_before_a_known_key() {
    for (text, shown) in [
        ("user:a=b;c@h:1", "***@h:1"),
        ("https=user:a;b@h:1", "https=***@h:1"),
        ("http=h:1;https=user:a;b=c@h:2", "http=h:1;https=***@h:2"),
        ("c2VjcmV0=@h:1", "***@h:1"),
        (
            "http=u:p@h:1 ; HTTPS = u:p@h:2",
            "http=***@h:1 ; HTTPS =***@h:2",
        ),
    ] {
        assert_eq!(masked(text), shown);
    }
}

#[test]
fn what_is_shown_is_shown_again_alike() {
    for text in ["x;u:p=w@h", "a@b;c=d@e", ";http=@;https=@"] {
        assert_eq!(masked(&masked(text)), masked(text));
    }
}

#[test]
fn a_piece_of_a_password_is_no_part_to_complain_about() {
    for (text, complaint) in [
        ("https=user:secret;rest@h:1", "https=***@h:1"),
        ("http=h:1;https=user:a;b=c;d@h:2", "http=h:1;https=***@h:2"),
        ("http=u:p@h:1;https=h:x", "h:x"),
    ] {
        let part = complaint.to_owned();
        assert_eq!(
            select(text, "https", Consumer::DotnetFramework),
            Err(ProxyServerError::Format { part })
        );
    }
}

#[test]
fn a_password_is_no_scheme() {
    for text in ["user:x://y@h:1", "https=u@v://h:1", "https=://h:1"] {
        assert_eq!(select(text, "https", Consumer::Wininet), Ok(None), "{text}");
    }
    let socks = select("socks5://u:p@h:1", "https", Consumer::Wininet);
    let socks = socks.expect("WinINet throws nothing").expect("a proxy");
    assert_eq!(socks.to_string(), "socks5://h:1");
}
