//! The tree of a query. Every node knows where it stands in the text.

use crate::functions::Function;
use crate::matcher::Matcher;
use crate::span::Span;
use crate::value_type::ValueType;

/// An expression.
#[derive(Clone, Debug)]
pub enum Expr {
    /// `1.5`, `5m`
    Number(Number),
    /// `"text"`
    Text(Text),
    /// `m{job="x"} offset 5m`: the newest value of each series.
    Selector(Selector),
    /// `m[5m]`: the values of a stretch of time.
    Range(RangeSelector),
    /// `(…)[1h:1m]`: an expression at many times.
    Subquery(Box<Subquery>),
    /// `rate(…)`
    Call(Call),
    /// `sum by (job) (…)`
    Aggregation(Box<Aggregation>),
    /// `a + b`
    Binary(Box<Binary>),
    /// `-a`
    Unary(Box<Unary>),
    /// `(a)`
    Paren(Box<Paren>),
}

/// A number, or a duration in seconds.
#[derive(Clone, Debug)]
pub struct Number {
    /// Its value.
    pub value: f64,
    /// Whether it was written as a duration.
    pub is_duration: bool,
    /// Where.
    pub span: Span,
}

/// A text.
#[derive(Clone, Debug)]
pub struct Text {
    /// Escapes resolved.
    pub value: String,
    /// Where.
    pub span: Span,
}

/// Conditions on labels, and a time.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The metric, if it was given before the braces; its matcher is among the others.
    pub name: Option<String>,
    /// All conditions.
    pub matchers: Vec<Matcher>,
    /// When.
    pub time: TimeShift,
    /// Where.
    pub span: Span,
}

impl Selector {
    /// Whether no condition leaves any series out for what it lacks.
    pub fn selects_all(&self) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(""))
    }
}

/// What `offset` and `@` say.
#[derive(Clone, Debug, Default)]
pub struct TimeShift {
    /// `offset`
    pub offset: Option<Length>,
    /// `@`
    pub at: Option<At>,
}

/// A fixed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Milliseconds since the epoch.
    Time(i64),
    /// The first time of the query.
    Start,
    /// The last time of the query.
    End,
}

/// Values of a stretch of time.
#[derive(Clone, Debug)]
pub struct RangeSelector {
    /// Of which series, and when.
    pub selector: Selector,
    /// How long.
    pub range: Length,
    /// Where.
    pub span: Span,
}

/// An expression at many times.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: Expr,
    /// How far back.
    pub range: Length,
    /// How often; `None` for the default.
    pub step: Option<Length>,
    /// When.
    pub time: TimeShift,
    /// Where.
    pub span: Span,
    /// Levels of the tree from here down.
    pub(crate) depth: u32,
}

/// A length of time: a number, or an expression of numbers and of the query's step and range.
#[derive(Clone, Debug)]
pub struct Length {
    /// What it is.
    pub kind: LengthKind,
    /// Whether it was written in parentheses.
    pub in_parens: bool,
    /// Where.
    pub span: Span,
}

/// Kinds of lengths.
#[derive(Clone, Debug)]
pub enum LengthKind {
    /// Seconds, and whether they were written as a duration.
    Seconds(f64, bool),
    /// `step()`
    Step,
    /// `range()`
    Range,
    /// `-a`
    Negative(Box<Length>),
    /// `a + b`, `max_of(a, b)`
    Binary(LengthOperator, Box<Length>, Box<Length>),
}

/// Operators between lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthOperator {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `min_of(a, b)`
    MinOf,
    /// `max_of(a, b)`
    MaxOf,
}

/// A function with its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which.
    pub function: &'static Function,
    /// With what.
    pub args: Vec<Expr>,
    /// Where.
    pub span: Span,
    /// Levels of the tree from here down.
    pub(crate) depth: u32,
}

/// An aggregation.
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// Which.
    pub operator: Aggregator,
    /// Of what.
    pub expr: Expr,
    /// The first of two arguments, of those that take two.
    pub param: Option<Expr>,
    /// Into which groups.
    pub grouping: Grouping,
    /// Where.
    pub span: Span,
    /// Levels of the tree from here down.
    pub(crate) depth: u32,
}

/// Labels that make a group.
#[derive(Clone, Debug, Default)]
pub struct Grouping {
    /// `without`: all labels but these.
    pub without: bool,
    /// The labels.
    pub labels: Vec<String>,
}

/// Aggregations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are PromQL's")]
pub enum Aggregator {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
    Limitk,
    LimitRatio,
}

/// Names of the aggregations.
pub(crate) const AGGREGATORS: [(&str, Aggregator); 14] = [
    ("sum", Aggregator::Sum),
    ("avg", Aggregator::Avg),
    ("count", Aggregator::Count),
    ("min", Aggregator::Min),
    ("max", Aggregator::Max),
    ("group", Aggregator::Group),
    ("stddev", Aggregator::Stddev),
    ("stdvar", Aggregator::Stdvar),
    ("topk", Aggregator::Topk),
    ("bottomk", Aggregator::Bottomk),
    ("count_values", Aggregator::CountValues),
    ("quantile", Aggregator::Quantile),
    ("limitk", Aggregator::Limitk),
    ("limit_ratio", Aggregator::LimitRatio),
];

impl Aggregator {
    /// The name in a query.
    pub fn name(self) -> &'static str {
        AGGREGATORS.iter().find(|(_, aggregator)| *aggregator == self).map_or("", |(name, _)| *name)
    }

    /// Whether it takes a parameter before the vector.
    pub fn has_param(self) -> bool {
        use Aggregator::{Bottomk, CountValues, LimitRatio, Limitk, Quantile, Topk};
        matches!(self, Topk | Bottomk | CountValues | Quantile | Limitk | LimitRatio)
    }
}

/// An operator between two expressions.
#[derive(Clone, Debug)]
pub struct Binary {
    /// Which.
    pub operator: Operator,
    /// Left.
    pub left: Expr,
    /// Right.
    pub right: Expr,
    /// `bool`: 0 and 1 in place of dropping.
    pub returns_bool: bool,
    /// How elements of two vectors find each other.
    pub matching: Matching,
    /// Where the operator with its modifiers stands.
    pub operator_span: Span,
    /// Where all of it stands.
    pub span: Span,
    /// Levels of the tree from here down.
    pub(crate) depth: u32,
}

/// How elements of two vectors find each other.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// `on` rather than `ignoring`.
    pub on: bool,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// Which side may have several.
    pub group: Group,
    /// Labels that the "many" side gets from the "one" side.
    pub include: Vec<String>,
    /// `fill_left`
    pub fill_left: Option<f64>,
    /// `fill_right`
    pub fill_right: Option<f64>,
}

/// Which side of a binary expression may have several elements for one of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// None.
    #[default]
    OneToOne,
    /// `group_left`
    Left,
    /// `group_right`
    Right,
}

/// Operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are PromQL's")]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Unless,
}

impl Operator {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Sub => "-",
            Operator::Mul => "*",
            Operator::Div => "/",
            Operator::Mod => "%",
            Operator::Pow => "^",
            Operator::Atan2 => "atan2",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterEqual => ">=",
            Operator::And => "and",
            Operator::Or => "or",
            Operator::Unless => "unless",
        }
    }

    /// Whether it compares.
    pub fn is_comparison(self) -> bool {
        use Operator::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
        matches!(self, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
    }

    /// Whether it is `and`, `or` or `unless`.
    pub fn is_set(self) -> bool {
        matches!(self, Operator::And | Operator::Or | Operator::Unless)
    }

    /// How strongly it binds; higher binds more. `^` alone is right-associative.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And | Operator::Unless => 2,
            _ if self.is_comparison() => 3,
            Operator::Add | Operator::Sub => 4,
            Operator::Pow => 6,
            _ => 5,
        }
    }
}

/// A sign before an expression.
#[derive(Clone, Debug)]
pub struct Unary {
    /// `-` rather than `+`.
    pub negative: bool,
    /// What.
    pub expr: Expr,
    /// Where.
    pub span: Span,
    /// Levels of the tree from here down.
    pub(crate) depth: u32,
}

/// An expression in parentheses.
#[derive(Clone, Debug)]
pub struct Paren {
    /// What.
    pub expr: Expr,
    /// Where.
    pub span: Span,
    /// Levels of the tree from here down.
    pub(crate) depth: u32,
}

impl Expr {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Expr::Number(number) => number.span,
            Expr::Text(text) => text.span,
            Expr::Selector(selector) => selector.span,
            Expr::Range(range) => range.span,
            Expr::Subquery(subquery) => subquery.span,
            Expr::Call(call) => call.span,
            Expr::Aggregation(aggregation) => aggregation.span,
            Expr::Binary(binary) => binary.span,
            Expr::Unary(unary) => unary.span,
            Expr::Paren(paren) => paren.span,
        }
    }

    /// What it evaluates to.
    pub fn value_type(&self) -> ValueType {
        match self {
            Expr::Number(_) => ValueType::Scalar,
            Expr::Text(_) => ValueType::Text,
            Expr::Selector(_) | Expr::Aggregation(_) => ValueType::Vector,
            Expr::Range(_) | Expr::Subquery(_) => ValueType::Matrix,
            Expr::Call(call) => call.function.returns,
            Expr::Binary(binary) => {
                let scalar = |expr: &Expr| expr.value_type() == ValueType::Scalar;
                if scalar(&binary.left) && scalar(&binary.right) {
                    ValueType::Scalar
                } else {
                    ValueType::Vector
                }
            }
            Expr::Unary(unary) => unary.expr.value_type(),
            Expr::Paren(paren) => paren.expr.value_type(),
        }
    }

    /// Levels of the tree from here down, at least one.
    pub(crate) fn depth(&self) -> u32 {
        match self {
            Expr::Number(_) | Expr::Text(_) | Expr::Selector(_) | Expr::Range(_) => 1,
            Expr::Subquery(subquery) => subquery.depth,
            Expr::Call(call) => call.depth,
            Expr::Aggregation(aggregation) => aggregation.depth,
            Expr::Binary(binary) => binary.depth,
            Expr::Unary(unary) => unary.depth,
            Expr::Paren(paren) => paren.depth,
        }
    }

    /// The expressions right below.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Number(_) | Expr::Text(_) | Expr::Selector(_) | Expr::Range(_) => Vec::new(),
            Expr::Subquery(subquery) => vec![&subquery.expr],
            Expr::Call(call) => call.args.iter().collect(),
            Expr::Aggregation(aggregation) => aggregation.param.iter().chain([&aggregation.expr]).collect(),
            Expr::Binary(binary) => vec![&binary.left, &binary.right],
            Expr::Unary(unary) => vec![&unary.expr],
            Expr::Paren(paren) => vec![&paren.expr],
        }
    }

    /// All selectors of the expression, those of ranges among them.
    pub fn selectors(&self) -> Vec<&Selector> {
        match self {
            Expr::Selector(selector) => vec![selector],
            Expr::Range(range) => vec![&range.selector],
            _ => self.children().into_iter().flat_map(Expr::selectors).collect(),
        }
    }

    /// The expression within all parentheses.
    pub fn unwrapped(&self) -> &Expr {
        let mut expr = self;
        while let Expr::Paren(paren) = expr {
            expr = &paren.expr;
        }
        expr
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn selectors_of_ranges_and_subqueries_are_among_all() {
        let expr = crate::parse("a + sum(rate(b[5m])) > on () max_over_time((-c)[1h:1m])").unwrap();
        let names: Vec<&str> = expr.selectors().iter().map(|selector| selector.matchers[0].value()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
