"""Programs of bots as text: the kit's template, the reference solution, one of another's making.

Their student's part can be taken out, replaced and added to.
"""

from microgpt.data import bundled

_MARK = "# " + "=" * 98 + "\n"
TEMPLATE = bundled("data/kit/bot.py").read_text(encoding="utf-8")
SOLUTION = bundled("data/teacher/solution.py").read_text(encoding="utf-8")


def parts(source: str) -> tuple[str, str, str]:
    """What stands above the student's part, that part, and what stands below."""
    head, title, policy, below_title, below = source.split(_MARK)
    return head + _MARK + title + _MARK, policy, _MARK + below_title + _MARK + below


def policy_of(source: str) -> str:
    return parts(source)[1]


def with_policy(policy: str, source: str = TEMPLATE) -> str:
    """The template with another policy in it."""
    above, _, below = parts(source)
    return f"{above}\n{policy}\n{below}"


def changed(source: str, *edits: tuple[str, str]) -> str:
    """The text with each ``old`` (there once) replaced by ``new``."""
    for old, new in edits:
        assert source.count(old) == 1, f"{old!r} is there {source.count(old)} times"
        source = source.replace(old, new)
    return source


def at_import(code: str, source: str = TEMPLATE) -> str:
    """Code at the end of the student's part, run when the file is loaded."""
    above, policy, below = parts(source)
    return f"{above}{policy}\n{code}\n\n{below}"


OWN_TEMPLATE = '''"""Tiny GPT bot."""
import json, math, random, sys, os

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "model.json")) as handle:
    DATA = json.load(handle)
CFG, TOK, W = DATA["config"], DATA["tokenizer"], DATA["state_dict"]
ITOS, STOI = {int(k): v for k, v in TOK["itos"].items()}, TOK["stoi"]
BOS, BLOCK = TOK["bos_token_id"], CFG["block_size"]

POLICY

def mat(rows, x):
    return [sum(a * b for a, b in zip(row, x)) for row in rows]

def norm(x):
    s = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
    return [v * s for v in x]

def soft(z):
    m = max(z)
    e = [math.exp(v - m) for v in z]
    t = sum(e)
    return [v / t for v in e]

def step(token, pos, past):
    x = norm([a + b for a, b in zip(W["wte"][token], W["wpe"][pos])])
    for l in range(CFG["n_layer"]):
        ks, vs = past[l]
        res, h = x, norm(x)
        q = mat(W[f"layer{l}.attn_wq"], h)
        ks.append(mat(W[f"layer{l}.attn_wk"], h))
        vs.append(mat(W[f"layer{l}.attn_wv"], h))
        d, out = CFG["head_dim"], []
        for a in range(0, CFG["n_embd"], d):
            s = soft([sum(q[a + i] * k[a + i] for i in range(d)) / math.sqrt(d) for k in ks])
            out += [sum(w * v[a + i] for w, v in zip(s, vs)) for i in range(d)]
        x = [a + b for a, b in zip(mat(W[f"layer{l}.attn_wo"], out), res)]
        res = x
        h = [max(0, v) for v in mat(W[f"layer{l}.mlp_fc1"], norm(x))]
        x = [a + b for a, b in zip(mat(W[f"layer{l}.mlp_fc2"], h), res)]
    return mat(W["lm_head"], x)

def generate(prefix, temperature=0.7):
    past = [([], []) for _ in range(CFG["n_layer"])]
    token, text = BOS, ""
    for pos in range(BLOCK):
        logits = step(token, pos, past)
        if pos < len(prefix):
            token = STOI[prefix[pos]]
        else:
            token = random.choices(range(len(logits)), soft([v / temperature for v in logits]))[0]
            if token == BOS:
                break
        text += ITOS[token]
    return text

for line in sys.stdin:
    words = line.lower().split()
    prefixes = [p for p in ("".join(c for c in w if c in STOI) for w in words) if p]
    if words and not prefixes:
        print("REFUSE: input had no usable letters (a-z).", flush=True)
        continue
    prefixes = prefixes or [""]
    why = REQUEST(prefixes)
    if why:
        print(f"REFUSE: {why}", flush=True)
        continue
    names = []
    for prefix in prefixes:
        for attempt in range(10):
            name = generate(prefix)
            if name and NAME(name):
                names.append(name)
                break
        else:
            print("REFUSE: nothing safe came out.", flush=True)
            break
    else:
        print("OK: " + ", ".join(names), flush=True)
'''


def own_template(hooks: bool, source: str = SOLUTION) -> str:
    """A bot written apart from the kit, with hooks of the usual names or of others."""
    policy = policy_of(source)
    names = ("is_safe_request", "is_safe_name")
    if not hooks:
        policy = policy.replace(names[0], "check_asked").replace(names[1], "check_written")
        names = ("check_asked", "check_written")
    text = OWN_TEMPLATE.replace("POLICY", policy)
    return text.replace("REQUEST(", f"{names[0]}(").replace("NAME(", f"{names[1]}(")
