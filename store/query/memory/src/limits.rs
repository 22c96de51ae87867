//! Every bound of the package.

/// Points of what is searched for, unless it is searched for at full resolution.
pub const POINTS_MAX: usize = 96;

/// Points of what is searched for at full resolution.
pub const FULL_POINTS_MAX: usize = 4096;

/// The fewest points that have a shape.
pub const POINTS_MIN: usize = 8;

/// How much longer or shorter a stretch may be than what is searched for, in tenths and hundredths of it, the usual one first.
pub const LENGTHS: [f64; 5] = [1.0, 0.9, 1.1, 0.8, 1.25];

/// The greatest of [`LENGTHS`].
pub const LENGTH_MAX: f64 = 1.25;

/// Empty buckets in a row that are bridged by a straight line.
pub const BRIDGED_MAX: usize = 2;

/// A stretch of which more than one bucket in so many is empty is left out.
pub const EMPTY_ONE_IN: usize = 5;

/// A curve that deviates less than this share of what its series does is flat, and has no shape.
pub const FLAT_SHARE: f64 = 0.02;

/// How much the squared logarithm of the ratio of two heights adds to a distance.
pub const HEIGHT_WEIGHT: f64 = 0.25;

/// The nearest stretches of which all is compared: least, mean and greatest values.
pub const RANKED_MAX: usize = 200;

/// How far a stretch may be warped: one in so many of its points.
pub const WARP_ONE_IN: usize = 10;

/// The best is clearly nearer than the rest if its distance is at most this share of that of the stretch in the middle.
pub const CLEAR_SHARE: f64 = 0.35;

/// A distance beyond which nothing is alike, however far the rest is.
pub const CLEAR_DISTANCE_MAX: f64 = 0.35;

/// Distances are counted in so many steps.
pub const DISTANCE_STEPS: usize = 2048;

/// The greatest distance that is told from greater ones.
pub const DISTANCE_MAX: f64 = 4.0;

const _: () = assert!(POINTS_MIN <= POINTS_MAX && POINTS_MAX <= FULL_POINTS_MAX);

/// How far ahead a forecast looks, in days.
pub const FORECAST_DAYS: usize = 60;

/// History that a forecast goes by at most, in days.
pub const FORECAST_HISTORY_DAYS: usize = 180;

/// The fewest days of history that a forecast goes by, and that a rate holds for.
pub const FORECAST_DAYS_MIN: usize = 4;

/// With so many weeks whole weeks are drawn, else days.
pub const FORECAST_WEEKS_MIN: usize = 4;

/// Ways in which a series may go on that a forecast tries.
pub const FORECAST_PATHS: usize = 400;

/// Past forecasts by which it is measured how wide a range must be.
pub const FORECAST_ORIGINS_MAX: usize = 60;

/// The fewest days of history that a past forecast goes by, and the fewest such forecasts that tell anything.
pub const FORECAST_ORIGINS_MIN: usize = 8;

/// A range that had to be wider by more than this factor means that the series follows no rule.
pub const FORECAST_WIDER_MAX: f64 = 4.0;

/// How many times its error a difference of rates must be to be a change.
pub const RATE_CHANGE_MIN: f64 = 6.0;

/// Earlier windows of a series among which one takes its place.
pub const SHIFT_WINDOWS_MAX: usize = 300;

/// A window is unlike its past if it is among the farthest of this share of the earlier ones, ...
pub const SHIFT_RANK_MAX: f64 = 0.01;

/// ... and by so many deviations away, on the mean, beyond one of them.
pub const SHIFT_AWAY_MIN: f64 = 0.5;

/// ... and where the past is shorter than so many windows, by as many times more as it is shorter.
pub const SHIFT_PAST_LENGTHS: f64 = 40.0;

/// A series follows the rhythm of the day if what is left without it deviates by less than this share.
pub const SHIFT_RHYTHM_SHARE: f64 = 0.8;

/// The fewest days that have a rhythm.
pub const SHIFT_DAYS_MIN: usize = 4;

/// Days by which a rhythm is known.
pub const SHIFT_DAYS_MAX: usize = 14;

/// Days of a series that a change in it is compared with at most.
pub const CHANGE_HISTORY_DAYS: usize = 8;

/// The fewest days of a series before a change in it can be told.
pub const CHANGE_HISTORY_DAYS_MIN: usize = 3;

/// Lengths of the windows that a change is looked for in: a day divided by each, so a quarter of an hour, an hour and six.
pub const CHANGE_WINDOWS: [usize; 3] = [96, 24, 4];

/// The fewest deviations by which a changed window is away from the usual.
pub const CHANGE_AWAY_MIN: f64 = 1.0;

/// The fewest deviations by which a changed window is beyond all before.
pub const CHANGE_BEYOND_MIN: f64 = 1.0;

/// ... and that as a share of how far that was.
pub const CHANGE_BEYOND_SHARE: f64 = 0.05;

/// Changes of a series that are not farther apart than a day divided by this are one.
pub const CHANGE_JOINED_ONE_IN: usize = 24;

/// The fewest weeks by which it is said what is normal at an hour of the week.
pub const NORMAL_WEEKS_MIN: usize = 3;

/// With fewer weeks, the fewest days by which it is said what is normal at an hour of the day.
pub const NORMAL_DAYS_MIN: usize = 3;

/// A day is normal by at most so many days before it: two years.
pub const NORMAL_DAYS_MAX: i64 = 2 * 366;

/// The share of values that is left out of what is normal, at either end.
pub const NORMAL_OUTER_SHARE: f64 = 0.05;

/// A week whose middle is farther from that of the others, in usual deviations, is odd, and does not count.
pub const NORMAL_ODD_DEVIATIONS: f64 = 4.0;
