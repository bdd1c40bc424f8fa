//! Real programs through `sockeye relay`: each with a server of its own that knows nothing of the relay.

#[cfg(test)]
#[path = "relay_programs/stage.rs"]
mod stage; // servers, relays and clients in a folder

#[cfg(test)]
#[path = "interop/family.rs"]
mod family; // a process and its descendants
#[cfg(test)]
#[path = "talk/program.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod program; // runs relays and clients
#[cfg(test)]
#[path = "interop/scenario.rs"]
#[expect(dead_code, reason = "only its description of a program is used")]
mod scenario;
#[cfg(test)]
#[path = "interop/program.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod server; // starts, awaits and ends a real server
#[cfg(test)]
#[path = "talk/terminal.rs"]
#[expect(dead_code, reason = "each test file uses its part")]
mod terminal; // somebody at a terminal

#[cfg(test)]
#[path = "relay_programs/bus.rs"]
mod bus; // D-Bus, with descriptors in its messages
#[cfg(test)]
#[path = "relay_programs/docker.rs"]
mod docker;
#[cfg(test)]
#[path = "relay_programs/nginx.rs"]
mod nginx; // curl
#[cfg(test)]
#[path = "relay_programs/openssl.rs"]
mod openssl; // at the other end of TLS
#[cfg(test)]
#[path = "relay_programs/postgres.rs"]
mod postgres; // psql
#[cfg(test)]
#[path = "relay_programs/redis.rs"]
mod redis;
#[cfg(test)]
#[path = "relay_programs/socat.rs"]
mod socat; // says a word and leaves
#[cfg(test)]
#[path = "relay_programs/ssh.rs"]
mod ssh; // to the target, and through the relay
#[cfg(test)]
#[path = "relay_programs/tmux.rs"]
mod tmux; // passes its terminal
