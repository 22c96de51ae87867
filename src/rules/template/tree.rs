//! What `gotmpl` has otherwise than Go, put right in the tree of a template that was read.
//!
//! `.Labels.x` and `$labels.x` are empty texts in Go where there is no `x`, as the labels are a map of texts. `gotmpl` knows no
//! types of maps and would make it nil. So each such expression becomes a call of the function [`FIELD`], which knows what a
//! map of labels is. And a function or a variable that does not exist is found when a template is read, not when it is first expanded.

use std::sync::Arc;

use gotmpl::parse::{ActionNode, BranchNode, CommandNode, Expr, ListNode, Node, PipeNode, Pos};
use gotmpl::{Template, TemplateError, Value};

/// The function that finds a field. No template can call it by this name.
pub(super) const FIELD: &str = "\u{1}field";

/// The function that is called at the begin of each template and of each round of `range`, so that none goes on for ever.
pub(super) const ROUND: &str = "\u{1}round";

/// The variable with the steps of a sequence.
const STEPS: &str = "$steps";

/// Stands at the end of every template. `gotmpl` takes an `{{end}}` or `{{else}}` too many for the end of the text; then this
/// is not there.
pub(super) const END: &str = "{{\"\u{1}\"}}";

/// What is wrong with a template, and where.
pub(super) struct Fault {
    pub(super) pos: Pos,
    pub(super) message: String,
}

/// The template with its fields read as in Go. `is_known` says which functions there are, and `steps` the names of the steps that
/// `$steps` can have, if they are known.
///
/// # Errors
/// A function, a variable, a template or a step that does not exist, or an `{{end}}` too many.
pub(super) fn like_go(
    template: Template,
    is_known: impl Fn(&str) -> bool,
    steps: Option<&[Arc<str>]>,
) -> Result<Template, Fault> {
    let template = without_end(template)?;
    let names: Vec<String> = template.templates().into_iter().map(str::to_owned).collect();
    let mut walk = Walk { is_known: &is_known, steps, templates: &names, variables: Vec::new(), fault: None };
    let template = names.iter().fold(template, |template, name| match template.lookup(name).cloned() {
        Some(mut tree) => {
            // What the template is expanded for.
            walk.variables = vec!["$".into()];
            walk.list(&mut tree);
            tree.nodes.insert(0, round(tree.pos));
            template.add_parse_tree(name, tree)
        }
        None => template,
    });
    walk.fault.map_or(Ok(template), Err)
}

/// The field of a value, and of that the next: what [`FIELD`] does.
pub(super) fn field(args: &[Value]) -> Result<Value, TemplateError> {
    let [value, names @ ..] = args else { return Ok(Value::Nil) };
    names.iter().try_fold(value.clone(), |value, name| {
        let Value::String(name) = name else { return Ok(Value::Nil) };
        match &value {
            Value::Map(map) => Ok(map.get(name).cloned().unwrap_or_else(|| {
                let is_of_texts = map.values().all(|value| matches!(value, Value::String(_)));
                if is_of_texts { Value::String("".into()) } else { Value::Nil }
            })),
            Value::Nil => Err(TemplateError::Exec(format!("nil data; no entry for key {name:?}"))),
            other => {
                Err(TemplateError::Exec(format!("can't evaluate field {name} in type {}", other.type_name())))
            }
        }
    })
}

/// The template without [`END`].
fn without_end(template: Template) -> Result<Template, Fault> {
    let name = template.name().to_owned();
    let mut tree =
        template.lookup(&name).cloned().unwrap_or(ListNode { pos: Pos::new(0, 1), nodes: Vec::new() });
    let is_end = |node: &Node| match node {
        Node::Action(action) => match &action.pipe.commands[..] {
            [command] => matches!(&command.args[..], [Expr::String(_, text)] if &**text == "\u{1}"),
            _ => false,
        },
        _ => false,
    };
    match tree.nodes.pop() {
        Some(last) if is_end(&last) => Ok(template.add_parse_tree(&name, tree)),
        _ => Err(Fault { pos: tree.pos, message: "unexpected {{end}} or {{else}}".to_owned() }),
    }
}

struct Walk<'k> {
    is_known: &'k dyn Fn(&str) -> bool,
    steps: Option<&'k [Arc<str>]>,
    /// The names of the templates that there are.
    templates: &'k [String],
    /// The variables that there are at this place, with their `$`.
    variables: Vec<String>,
    fault: Option<Fault>,
}

impl Walk<'_> {
    fn list(&mut self, list: &mut ListNode) {
        let before = self.variables.len();
        list.nodes.iter_mut().for_each(|node| self.node(node));
        self.variables.truncate(before);
    }

    fn node(&mut self, node: &mut Node) {
        match node {
            Node::List(nodes) => self.list(nodes),
            Node::Action(action) => self.pipe(&mut action.pipe),
            Node::If(branch) | Node::With(branch) => self.branch(branch),
            Node::Range(branch) => {
                self.branch(branch);
                branch.body.nodes.insert(0, round(branch.pos));
            }
            Node::Template(call) => {
                if !self.templates.iter().any(|name| *name == *call.name) {
                    self.lacks(call.pos, format!("template {:?} not defined", call.name.as_str()));
                }
                call.pipe.iter_mut().for_each(|pipe| self.pipe(pipe));
            }
            Node::Define(define) => self.list(&mut define.body),
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }

    fn branch(&mut self, branch: &mut BranchNode) {
        let before = self.variables.len();
        self.pipe(&mut branch.pipe);
        self.list(&mut branch.body);
        branch.else_body.iter_mut().for_each(|list| self.list(list));
        self.variables.truncate(before);
    }

    fn pipe(&mut self, pipe: &mut PipeNode) {
        for command in &mut pipe.commands {
            command.args.iter_mut().for_each(|arg| self.expr(arg));
        }
        self.variables.extend(pipe.decl.iter().map(|name| with_sign(name)));
    }

    /// Notes what the template lacks, unless it lacks something before that.
    fn lacks(&mut self, pos: Pos, message: String) {
        self.fault.get_or_insert(Fault { pos, message });
    }

    fn expr(&mut self, expr: &mut Expr) {
        if let Expr::Variable(pos, name, names) = expr {
            let name = with_sign(name);
            if !self.variables.contains(&name) {
                self.lacks(*pos, format!("undefined variable {name:?}"));
            }
            if let (STEPS, Some(steps), Some(of)) = (&*name, self.steps, names.first())
                && !steps.iter().any(|step| **step == **of)
            {
                self.lacks(*pos, format!("the sequence has no step {:?}", of.as_str()));
            }
        }
        let (pos, whole, names) = match expr {
            Expr::Pipe(_, inner) => return self.pipe(inner),
            Expr::Identifier(pos, name) => {
                if !(self.is_known)(name) {
                    self.lacks(*pos, format!("function {:?} not defined", name.as_str()));
                }
                return;
            }
            Expr::Field(pos, names) if !names.is_empty() => (*pos, Expr::Dot(*pos), std::mem::take(names)),
            Expr::Variable(pos, name, names) if !names.is_empty() => {
                let names = std::mem::take(names);
                (*pos, Expr::Variable(*pos, name.clone(), Vec::new()), names)
            }
            Expr::Chain(pos, inner, names) => {
                self.expr(inner);
                (*pos, (**inner).clone(), std::mem::take(names))
            }
            _ => return,
        };
        let names = names.iter().map(|name| Expr::String(pos, Arc::from(name.as_str())));
        *expr = call(pos, [Expr::Identifier(pos, FIELD.into()), whole].into_iter().chain(names).collect());
    }
}

/// The name of a variable with its `$`.
fn with_sign(name: &str) -> String {
    if name.starts_with('$') { name.to_owned() } else { format!("${name}") }
}

/// The call of [`ROUND`], which prints nothing.
fn round(pos: Pos) -> Node {
    Node::Action(ActionNode { pos, pipe: calling(pos, vec![Expr::Identifier(pos, ROUND.into())]) })
}

fn call(pos: Pos, args: Vec<Expr>) -> Expr {
    Expr::Pipe(pos, calling(pos, args))
}

fn calling(pos: Pos, args: Vec<Expr>) -> PipeNode {
    PipeNode { pos, decl: Vec::new(), commands: vec![CommandNode { pos, args }], is_assign: false }
}
