//! The map of real programs: `sockeye ls` names both processes of every connection.
//!
//! A scenario is a file in `interop/scenarios`; `interop/scenario.rs` says what may be in it. To add one,
//! write the file and list it here.

#[cfg(test)]
#[path = "interop/scenario.rs"]
mod scenario; // what a scenario file may say

#[cfg(test)]
#[path = "interop/stage.rs"]
mod stage; // plays one

#[cfg(test)]
#[path = "interop/family.rs"]
mod family;
#[cfg(test)]
#[path = "interop/program.rs"]
mod program; // starts, awaits and ends a real program // a process and its descendants

#[cfg(test)]
#[path = "interop/judge.rs"]
mod judge;
#[cfg(test)]
#[path = "interop/map.rs"]
mod map; // what sockeye says // whether that is so

use scenario::Scenario;
use stage::Stage;

/// A test for each file, called like it.
macro_rules! scenarios {
    ($($(#[$attribute:meta])* $file:ident,)+) => {
        const LISTED: &[&str] = &[$(stringify!($file)),+];
        $(
            #[test]
            $(#[$attribute])*
            fn $file() {
                play(stringify!($file));
            }
        )+
    };
}

scenarios! {
    a_bus_names_its_monitors,
    #[ignore = "needs root"]
    a_client_in_another_network_namespace_is_joined,
    a_tmux_server_is_told_from_its_clients,
    connections_of_nginx_are_held_by_its_worker,
    #[ignore = "needs root"]
    dockerd_is_server_and_client,
    twenty_redis_clients_are_told_apart,
}

fn play(file: &str) {
    let mut stage = Stage::set(Scenario::read(file));
    stage.check();
    stage.dismiss_clients();
    stage.strike();
}

#[test]
fn every_scenario_file_is_listed() {
    let mut files: Vec<String> = std::fs::read_dir(scenario::folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort_unstable();
    assert_eq!(files, LISTED);
}
