//! Descriptors that may not pass.

use fastrand::Rng;
use sockeye_address::{Kind, Name};
use sockeye_relay::plan::Descriptors;
use sockeye_socket::{BindOptions, Listener};

use crate::alone::{Alone, seed};
use crate::bed::{Bed, Server, plan};
use crate::play::Progress;
use crate::script::{Script, Weather};

#[test]
fn descriptors_that_may_not_pass_end_their_connection_and_no_other() {
    let alone = Alone::new();
    let folder = tempfile::tempdir().unwrap();
    let name = |file: &str| Name::Path(folder.path().join(file));
    let options = BindOptions::new().backlog(4096);
    let server = Listener::bind(&name("out.sock"), Kind::Stream, &options).unwrap();
    let server = Server::Unix(server);
    let mut plan = plan(name("in.sock"), Kind::Stream, name("out.sock"));
    plan.descriptors = Descriptors::Refuse;
    let bed = Bed::new(folder, vec![plan]);
    let mut rng = Rng::with_seed(seed());
    let scripts: Vec<Script> = (0..150)
        .map(|number| {
            let weather = Weather {
                descriptors: rng.bool(),
                refused: true,
                ..Weather::FAIR
            };
            Script::draw(number, weather, &mut rng)
        })
        .collect();
    bed.play(&scripts, &server, &Progress::default());
    bed.empties();
    let refused = bed
        .ends()
        .iter()
        .filter(|(end, _)| end.starts_with("Descriptors("))
        .map(|(_, count)| count)
        .sum::<usize>();
    let expected = scripts.iter().filter(|script| script.is_refused()).count();
    assert_eq!(refused, expected, "{:?}", bed.ends());
    drop((bed, server));
    alone.nothing_is_left();
}
