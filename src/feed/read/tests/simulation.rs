//! Random stories of a store and a feed.

use custos_store::disk::SimDisk;
use custos_store::repair_on;

use super::stage::Stage;
use crate::feed::read::{FeedOptions, Order};

/// Random numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What may happen beside appending, sealing, merging, reading and acknowledging.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    None,
    /// The feed and the writer are killed.
    Kills,
    /// Files are damaged and repaired, too.
    Damage,
    /// An older copy takes the place of the store, too.
    Restores,
}

fn story(seed: u64, order: Order, trouble: Trouble) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let options = FeedOptions { name: Some("sink".to_owned()), order, ..FeedOptions::default() };
    let mut stage = Stage::new(options);
    let mut backups: Vec<SimDisk> = Vec::new();
    let early = dice.roll(3) * 400;
    stage.append(1 + early as i64);
    stage.open_feed();
    for _ in 0..150 {
        stage.pass(dice.roll(400));
        match dice.roll(16) {
            0..3 => stage.append(1 + dice.roll(60) as i64),
            3 => stage.append(300),
            4 => drop(stage.writer().seal()),
            5 => drop(stage.writer().settle()),
            6 => drop(stage.writer().compact()),
            7..10 => drop(stage.take()),
            10 => drop(stage.take_owed()),
            11..13 => stage.acknowledge(true),
            13 => stage.acknowledge(false),
            14 => upset(&mut stage, &mut dice, trouble, &mut backups),
            _ => stage.feed().save().unwrap(),
        }
    }
    stage.drain();
    let what = format!("seed {seed}, {order:?}");
    if trouble == Trouble::Damage {
        stage.close_writer();
        repair_on(std::sync::Arc::new(stage.disk.clone())).unwrap();
        stage.open_writer();
        stage.drain();
    }
    stage.assert_all(&what);
    if trouble == Trouble::None {
        stage.assert_once(&what);
        assert!(stage.gaps.is_empty());
    }
    // A feed that goes on finds nothing new, and then only what is new.
    let before = stage.got.clone();
    stage.open_feed();
    stage.drain();
    assert!(before == stage.got, "{what}: something came again");
    stage.append(5);
    stage.drain();
    assert_eq!(before.len() + 5, stage.got.len(), "{what}");
    assert!(stage.memory_max < 64 << 10);
}

fn upset(stage: &mut Stage, dice: &mut Dice, trouble: Trouble, backups: &mut Vec<SimDisk>) {
    let kinds = match trouble {
        Trouble::None => return,
        Trouble::Kills => 2,
        Trouble::Damage => 4,
        Trouble::Restores => 4,
    };
    match (dice.roll(kinds), trouble) {
        (0, _) => stage.open_feed(),
        (1, _) => {
            stage.drop_writer();
            stage.open_writer();
        }
        (2, Trouble::Damage) => damage(stage, dice),
        (_, Trouble::Damage) => {
            stage.close_writer();
            repair_on(std::sync::Arc::new(stage.disk.clone())).unwrap();
            stage.open_writer();
        }
        (2, _) => backups.push(stage.copy()),
        _ => restore(stage, dice, backups),
    }
}

/// Damages the directory of a segment, which costs all of its runs until it is repaired.
fn damage(stage: &mut Stage, dice: &mut Dice) {
    use custos_store::disk::Disk;
    let names = stage.disk.list().unwrap();
    let segments: Vec<String> = names.into_iter().filter(|name| name.ends_with(".seg")).collect();
    let Some(name) = segments.get(dice.roll(segments.len().max(1) as u64) as usize) else { return };
    let mut bytes = stage.disk.bytes(name).unwrap();
    let at = bytes.len() - 20;
    // Not a flip: damaged twice it would be whole again.
    bytes[at..at + 8].fill(0xee);
    stage.close_writer();
    stage.disk.put(name, &bytes);
    stage.open_writer();
    stage.open_feed();
}

/// Puts an older copy in the place of the store, with its cursor or with the one of today.
fn restore(stage: &mut Stage, dice: &mut Dice, backups: &mut Vec<SimDisk>) {
    if backups.is_empty() {
        return;
    }
    let backup = backups.swap_remove(dice.roll(backups.len() as u64) as usize);
    let cursor = stage.disk.bytes("sink.cursor");
    let restored = backup.restart(custos_store::disk::Fate::Kept);
    if let (Some(cursor), true) = (cursor, dice.roll(3) > 0) {
        restored.put("sink.cursor", &cursor);
    }
    backups.push(backup);
    stage.replace_disk(restored);
    if dice.roll(2) == 0 {
        // The store has gone on before the feed looks.
        stage.open_writer();
        stage.append(1 + dice.roll(40) as i64);
    } else {
        stage.open_feed();
        stage.drain();
        stage.open_writer();
    }
    stage.open_feed();
}

fn stories(trouble: Trouble, seeds: u64) {
    for seed in 1..=seeds {
        for order in [Order::InOrder, Order::Beside] {
            story(seed, order, trouble);
        }
    }
}

#[test]
fn without_trouble_every_run_is_delivered_once() {
    stories(Trouble::None, 12);
}

#[test]
fn over_kills_no_run_is_missing() {
    stories(Trouble::Kills, 12);
}

#[test]
fn what_a_repair_restores_is_delivered() {
    stories(Trouble::Damage, 12);
}

#[test]
fn over_restores_of_old_backups_no_run_is_missing() {
    stories(Trouble::Restores, 12);
}
