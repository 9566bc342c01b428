//! The model test: long random lives of a store against a plain model in memory.

use deltastore::store::bugs::Bugs;
use rand::Rng;

use crate::census::{self, Census};
use crate::world::{World, in_parallel, setting};

/// One life: requests, restarts, kills, power losses and collections, with a full check now and then.
pub fn life(seed: u64, bugs: Bugs, steps: u64) -> Result<(), String> {
    let mut world = World::new(seed, bugs)?;
    world.parallel = if seed.is_multiple_of(2) { 3 } else { 1 };
    let mut census = Census::default();
    let result = (0..steps).try_for_each(|step| -> Result<(), String> {
        match world.rng.random_range(0..100) {
            0..90 => world.step()?,
            90 => world.index_refuses()?,
            91 => world.set_clock(),
            92..94 => {
                world.note("restart".into());
                world.close();
                world.up()?;
            }
            94..96 => {
                world.kill();
                world.up()?;
            }
            96 => world.power_loss()?,
            97..99 => {
                // The process dies in the midst of things.
                let calls = world.machine.vfs.journal_len() + world.rng.random_range(0..12);
                world.running.as_ref().expect("a process runs").process.dies_at(calls);
                let plans = world.plans();
                world.round(plans)?;
                match world.rng.random_range(0..3) {
                    0 => world.collect()?,
                    1 => world.optimize()?,
                    _ => {}
                }
                match world.rng.random_bool(0.5) {
                    true => world.power_loss()?,
                    false => {
                        world.kill();
                        world.up()?;
                    }
                }
            }
            _ => {
                world.note("check".into());
                census.look(&world)?;
                world.check_all()?;
                // Numbers may be used again once every trace of their first use is gone.
                world.highest = 0;
            }
        }
        if step + 1 == steps {
            census.look(&world)?;
            world.check_all()?;
        }
        Ok(())
    });
    census.end();
    result.map_err(|error| format!("seed {seed}: {error}\n  {}", world.story()))
}

#[test]
fn random_lives_match_the_model() {
    let (first, lives, steps) = (
        setting("DELTASTORE_MODEL_SEED", 1),
        setting("DELTASTORE_MODEL_LIVES", 60),
        setting("DELTASTORE_MODEL_STEPS", 250),
    );
    println!("model test: seeds {first} to {}, {steps} steps each", first + lives - 1);
    if let Err(error) = in_parallel(first..first + lives, |seed| life(seed, Bugs::default(), steps)) {
        panic!("DELTASTORE_MODEL_SEED={error}");
    }
    census::demand(lives);
}
