//! Where nothing is left to chance, all hosts of the core write the same bytes.

use sim::{Layer, lockstep, lockstep_script};

#[test]
fn every_client_is_told_the_same_by_memory_and_mio() {
    for seed in 0..40 {
        let script = lockstep_script(seed);
        let heard = |layer| {
            let heard = lockstep(&script, layer);
            heard.unwrap_or_else(|failure| panic!("seed {seed} on {layer}: {failure}"))
        };
        let (memory, mio) = (heard(Layer::Memory), heard(Layer::Mio));
        assert_eq!(memory.len(), mio.len(), "seed {seed}");
        for (life, (memory, mio)) in memory.iter().zip(&mio).enumerate() {
            let text = |bytes: &[u8]| bytes.escape_ascii().to_string().replace("\\r\\n", "\n");
            assert!(!memory.is_empty(), "seed {seed}: connection {life} was told nothing");
            assert_eq!(text(memory), text(mio), "seed {seed}, connection {life}");
        }
    }
}
