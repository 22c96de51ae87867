//! The functions of PromQL: their arguments, their results, and which computation each is.

use crate::value_type::ValueType::{self, Matrix, Scalar, Text, Vector};

/// A function.
#[derive(Debug)]
pub struct Function {
    /// Its name in a query.
    pub name: &'static str,
    /// Types of its arguments; the last is that of all further ones.
    pub args: &'static [ValueType],
    /// How many arguments may be given.
    pub arity: Arity,
    /// The type of its result.
    pub returns: ValueType,
    /// What it computes.
    pub(crate) kind: Kind,
}

/// How many arguments a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// As many as it has types.
    Fixed,
    /// The last one may be left out.
    Optional,
    /// The last one may be left out, or repeated up to so many times.
    Repeated(usize),
    /// The last one may be left out, or repeated as often as one likes.
    Any,
}

/// Computations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of each value by itself.
    Math(Math),
    /// Of each value as a time in UTC.
    Date(DatePart),
    /// Of the values of a stretch of time.
    Window(Window),
    Absent,
    AbsentOverTime,
    Clamp,
    ClampMax,
    ClampMin,
    End,
    HistogramFraction,
    HistogramQuantile,
    HistogramQuantiles,
    LabelJoin,
    LabelReplace,
    MaxOf,
    MinOf,
    /// Where a series normally is: no function of PromQL's own.
    Normal(NormalEdge),
    Pi,
    Range,
    Round,
    Scalar,
    Sort {
        descending: bool,
    },
    SortByLabel {
        descending: bool,
    },
    Start,
    Step,
    Time,
    Timestamp,
    Vector,
    /// Needs native histograms, or series of metadata, which are not stored.
    Unsupported(&'static str),
}

/// What of the band in which a series normally is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NormalEdge {
    Low,
    Middle,
    High,
}

/// Functions of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Math {
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Cos,
    Cosh,
    Deg,
    Exp,
    Floor,
    Ln,
    Log10,
    Log2,
    Rad,
    Sgn,
    Sin,
    Sinh,
    Sqrt,
    Tan,
    Tanh,
}

/// Parts of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatePart {
    DaysInMonth,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Month,
    Year,
}

/// Functions of the values of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Avg,
    Changes,
    Count,
    Delta,
    Deriv,
    DoubleExponentialSmoothing,
    First,
    Idelta,
    Increase,
    Irate,
    Last,
    Mad,
    Max,
    Min,
    PredictLinear,
    Present,
    Quantile,
    Rate,
    Resets,
    Stddev,
    Stdvar,
    Sum,
    TimeOfFirst,
    TimeOfLast,
    TimeOfMax,
    TimeOfMin,
}

impl Window {
    /// Whether the series keep their name: what comes out is one of their values.
    pub(crate) fn keeps_name(self) -> bool {
        matches!(self, Window::First | Window::Last)
    }
}

const NATIVE: &str = "needs native histograms, which are not stored";

const fn vector(name: &'static str, args: &'static [ValueType], kind: Kind) -> Function {
    Function { name, args, arity: Arity::Fixed, returns: Vector, kind }
}

const fn math(name: &'static str, math: Math) -> Function {
    vector(name, &[Vector], Kind::Math(math))
}

const fn date(name: &'static str, part: DatePart) -> Function {
    Function { name, args: &[Vector], arity: Arity::Optional, returns: Vector, kind: Kind::Date(part) }
}

const fn window(name: &'static str, window: Window) -> Function {
    vector(name, &[Matrix], Kind::Window(window))
}

const fn scalar(name: &'static str, args: &'static [ValueType], kind: Kind) -> Function {
    Function { name, args, arity: Arity::Fixed, returns: Scalar, kind }
}

/// All functions, by name.
static FUNCTIONS: [Function; 93] = [
    math("abs", Math::Abs),
    vector("absent", &[Vector], Kind::Absent),
    vector("absent_over_time", &[Matrix], Kind::AbsentOverTime),
    math("acos", Math::Acos),
    math("acosh", Math::Acosh),
    math("asin", Math::Asin),
    math("asinh", Math::Asinh),
    math("atan", Math::Atan),
    math("atanh", Math::Atanh),
    window("avg_over_time", Window::Avg),
    math("ceil", Math::Ceil),
    window("changes", Window::Changes),
    vector("clamp", &[Vector, Scalar, Scalar], Kind::Clamp),
    vector("clamp_max", &[Vector, Scalar], Kind::ClampMax),
    vector("clamp_min", &[Vector, Scalar], Kind::ClampMin),
    math("cos", Math::Cos),
    math("cosh", Math::Cosh),
    window("count_over_time", Window::Count),
    vector("custos_normal_high", &[Vector], Kind::Normal(NormalEdge::High)),
    vector("custos_normal_low", &[Vector], Kind::Normal(NormalEdge::Low)),
    vector("custos_normal_middle", &[Vector], Kind::Normal(NormalEdge::Middle)),
    date("day_of_month", DatePart::DayOfMonth),
    date("day_of_week", DatePart::DayOfWeek),
    date("day_of_year", DatePart::DayOfYear),
    date("days_in_month", DatePart::DaysInMonth),
    math("deg", Math::Deg),
    window("delta", Window::Delta),
    window("deriv", Window::Deriv),
    vector(
        "double_exponential_smoothing",
        &[Matrix, Scalar, Scalar],
        Kind::Window(Window::DoubleExponentialSmoothing),
    ),
    scalar("end", &[], Kind::End),
    math("exp", Math::Exp),
    window("first_over_time", Window::First),
    math("floor", Math::Floor),
    vector("histogram_avg", &[Vector], Kind::Unsupported(NATIVE)),
    vector("histogram_count", &[Vector], Kind::Unsupported(NATIVE)),
    vector("histogram_fraction", &[Scalar, Scalar, Vector], Kind::HistogramFraction),
    vector("histogram_quantile", &[Scalar, Vector], Kind::HistogramQuantile),
    Function {
        name: "histogram_quantiles",
        args: &[Vector, Text, Scalar, Scalar],
        arity: Arity::Repeated(9),
        returns: Vector,
        kind: Kind::HistogramQuantiles,
    },
    vector("histogram_stddev", &[Vector], Kind::Unsupported(NATIVE)),
    vector("histogram_stdvar", &[Vector], Kind::Unsupported(NATIVE)),
    vector("histogram_sum", &[Vector], Kind::Unsupported(NATIVE)),
    date("hour", DatePart::Hour),
    window("idelta", Window::Idelta),
    window("increase", Window::Increase),
    Function {
        name: "info",
        args: &[Vector, Vector],
        arity: Arity::Optional,
        returns: Vector,
        kind: Kind::Unsupported("needs series of metadata (target_info), which are not stored"),
    },
    window("irate", Window::Irate),
    Function {
        name: "label_join",
        args: &[Vector, Text, Text, Text],
        arity: Arity::Any,
        returns: Vector,
        kind: Kind::LabelJoin,
    },
    vector("label_replace", &[Vector, Text, Text, Text, Text], Kind::LabelReplace),
    window("last_over_time", Window::Last),
    math("ln", Math::Ln),
    math("log10", Math::Log10),
    math("log2", Math::Log2),
    window("mad_over_time", Window::Mad),
    scalar("max_of", &[Scalar, Scalar], Kind::MaxOf),
    window("max_over_time", Window::Max),
    scalar("min_of", &[Scalar, Scalar], Kind::MinOf),
    window("min_over_time", Window::Min),
    date("minute", DatePart::Minute),
    date("month", DatePart::Month),
    scalar("pi", &[], Kind::Pi),
    vector("predict_linear", &[Matrix, Scalar], Kind::Window(Window::PredictLinear)),
    window("present_over_time", Window::Present),
    vector("quantile_over_time", &[Scalar, Matrix], Kind::Window(Window::Quantile)),
    math("rad", Math::Rad),
    scalar("range", &[], Kind::Range),
    window("rate", Window::Rate),
    window("resets", Window::Resets),
    Function {
        name: "round",
        args: &[Vector, Scalar],
        arity: Arity::Optional,
        returns: Vector,
        kind: Kind::Round,
    },
    scalar("scalar", &[Vector], Kind::Scalar),
    math("sgn", Math::Sgn),
    math("sin", Math::Sin),
    math("sinh", Math::Sinh),
    vector("sort", &[Vector], Kind::Sort { descending: false }),
    Function {
        name: "sort_by_label",
        args: &[Vector, Text],
        arity: Arity::Any,
        returns: Vector,
        kind: Kind::SortByLabel { descending: false },
    },
    Function {
        name: "sort_by_label_desc",
        args: &[Vector, Text],
        arity: Arity::Any,
        returns: Vector,
        kind: Kind::SortByLabel { descending: true },
    },
    vector("sort_desc", &[Vector], Kind::Sort { descending: true }),
    math("sqrt", Math::Sqrt),
    scalar("start", &[], Kind::Start),
    vector(
        "start_timestamp",
        &[Vector],
        Kind::Unsupported("needs the time at which a counter began, which is not stored"),
    ),
    window("stddev_over_time", Window::Stddev),
    window("stdvar_over_time", Window::Stdvar),
    scalar("step", &[], Kind::Step),
    window("sum_over_time", Window::Sum),
    math("tan", Math::Tan),
    math("tanh", Math::Tanh),
    scalar("time", &[], Kind::Time),
    vector("timestamp", &[Vector], Kind::Timestamp),
    window("ts_of_first_over_time", Window::TimeOfFirst),
    window("ts_of_last_over_time", Window::TimeOfLast),
    window("ts_of_max_over_time", Window::TimeOfMax),
    window("ts_of_min_over_time", Window::TimeOfMin),
    vector("vector", &[Scalar], Kind::Vector),
    date("year", DatePart::Year),
];

/// The function of that name.
pub(crate) fn named(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok().map(|index| &FUNCTIONS[index])
}

/// Names of all functions, sorted.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

impl Function {
    /// The fewest and, unless there may be any number, the most arguments.
    pub(crate) fn bounds(&self) -> (usize, Option<usize>) {
        let types = self.args.len();
        match self.arity {
            Arity::Fixed => (types, Some(types)),
            Arity::Optional => (types - 1, Some(types)),
            Arity::Repeated(times) => (types - 1, Some(types - 1 + times)),
            Arity::Any => (types - 1, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_by_name() {
        assert!(FUNCTIONS.is_sorted_by_key(|function| function.name));
        for function in &FUNCTIONS {
            assert_eq!(named(function.name).map(|found| found.kind), Some(function.kind));
        }
        assert!(named("holt_winters").is_none());
    }
}
