//! The DNS that the guest asks: names inside the private endpoint's network.

use std::net::SocketAddr;

use async_trait::async_trait;
use hickory_proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::UdpSocket;

use crate::LabError;
use crate::address::View;
use crate::arm::World;

/// Seconds; none, because records come and go in a rehearsal.
const TIME_TO_LIVE: u32 = 0;

/// A running DNS server; it stops when dropped.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    _server: Server<Zones>,
}

impl Dns {
    pub(crate) async fn start(world: World) -> Result<Self, LabError> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let mut server = Server::new(Zones(world));
        server.register_socket(socket);
        Ok(Self {
            address,
            _server: server,
        })
    }
}

struct Zones(World);

#[async_trait]
impl RequestHandler for Zones {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response_handle: R,
    ) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = true;
        let mut records = Vec::new();
        if let Ok(asked) = request.request_info() {
            match answers(&self.0, asked.query.original().name()) {
                Some(known) if asked.query.query_type() == RecordType::A => records = known,
                Some(_) => {}
                None => metadata.response_code = ResponseCode::NXDomain,
            }
        } else {
            metadata.response_code = ResponseCode::FormErr;
        }
        let response = MessageResponseBuilder::from_message_request(request).build(
            metadata,
            &records,
            [],
            [],
            [],
        );
        response_handle
            .send_response(response)
            .await
            .unwrap_or_else(|_| {
                ResponseInfo::from(Header {
                    metadata,
                    counts: HeaderCounts::default(),
                })
            })
    }
}

/// The records for a name; `None` where it does not exist.
fn answers(world: &World, name: &Name) -> Option<Vec<Record>> {
    let found = world.resolve(&name.to_ascii(), View::Machine)?;
    let mut records = Vec::new();
    let mut owner = name.clone();
    if let Some(alias) = found.alias {
        let alias = Name::from_ascii(format!("{alias}.")).ok()?;
        let target = RData::CNAME(CNAME(alias.clone()));
        records.push(Record::from_rdata(owner, TIME_TO_LIVE, target));
        owner = alias;
    }
    let address = RData::A(A(found.address));
    records.push(Record::from_rdata(owner, TIME_TO_LIVE, address));
    Some(records)
}
