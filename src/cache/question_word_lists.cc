// Lists of English words by which the guards tell names from everyday words.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_word_lists.h"

#include <algorithm>
#include <array>
#include <string>

namespace docmind::cache {
namespace {

// Sorted, as are all lists here.
constexpr std::array<std::string_view, 192> kFunctionWords = {
    "a", "about", "above", "across", "actually", "after", "against", "ago", "all", "also", "am",
    "an", "and", "any", "anybody", "anyone", "anything", "are", "around", "as", "at", "basically",
    "be", "because", "been", "before", "being", "below", "besides", "but", "by", "can", "cannot",
    "could", "did", "do", "does", "doing", "done", "during", "each", "either", "else", "ever",
    "every", "everybody", "everyone", "everything", "exactly", "few", "for", "from", "further",
    "get", "gets", "getting", "give", "got", "guys", "had", "has", "have", "having", "he", "her",
    "here", "hers", "herself", "him", "himself", "his", "how", "i", "if", "im", "in", "into", "is",
    "it", "its", "itself", "just", "let", "lot", "lots", "many", "may", "me", "might", "mine",
    "more", "most", "much", "must", "my", "myself", "no", "nor", "not", "of", "off", "often", "ok",
    "on", "once", "one", "only", "onto", "or", "other", "others", "our", "ours", "ourselves",
    "out", "over", "own", "people", "per", "please", "possible", "possibly", "quite", "rather",
    "really", "same", "shall", "she", "should", "simply", "since", "so", "some", "somebody",
    "someone", "something", "such", "tell", "than", "that", "the", "their", "theirs", "them",
    "themselves", "then", "there", "these", "they", "thing", "things", "this", "those", "though",
    "through", "to", "too", "toward", "towards", "u", "under", "until", "up", "upon", "ur", "us",
    "very", "via", "was", "we", "were", "what", "whats", "when", "where", "whether", "which",
    "while", "who", "whom", "whose", "why", "will", "with", "within", "without", "would", "yet",
    "you", "your", "yours", "yourself"};

// Words of everyday English in their plain form.
constexpr std::array<std::string_view, 1760> kCommonWords = {
    "able", "above", "accept", "access", "accident", "according", "account", "achieve", "across",
    "act", "action", "active", "activity", "actor", "actual", "add", "address", "admission",
    "adult", "advance", "advantage", "advice", "affect", "afford", "afraid", "after", "again",
    "against", "age", "ago", "agree", "air", "album", "alcohol", "alive", "allow", "almost",
    "alone", "along", "already", "also", "alternative", "always", "amount", "analysis", "and",
    "anger", "angry", "animal", "animate", "another", "answer", "anxiety", "anybody", "anymore",
    "anyone", "anything", "anyway", "anywhere", "apart", "app", "appear", "application", "apply",
    "approach", "area", "argue", "arm", "army", "around", "arrange", "arrive", "art", "article",
    "ask", "asleep", "aspect", "assignment", "attack", "attempt", "attend", "attention",
    "attitude", "attract", "author", "available", "average", "avoid", "aware", "away", "baby",
    "back", "bad", "bag", "balance", "ball", "ban", "bank", "bar", "base", "basic", "basis",
    "battery", "battle", "beach", "bear", "beard", "beat", "beautiful", "beauty", "become", "bed",
    "beer", "begin", "beginner", "behave", "behavior", "behaviour", "behind", "believe", "belong",
    "below", "benefit", "besides", "best", "better", "between", "big", "bike", "bill", "biology",
    "bird", "birth", "birthday", "bit", "bite", "black", "blood", "blow", "blue", "board", "boat",
    "body", "book", "boot", "border", "bore", "born", "boss", "bottom", "box", "boy", "boyfriend",
    "brain", "brand", "bread", "break", "breakfast", "breast", "breath", "bridge", "bright",
    "bring", "broken", "brother", "brown", "browser", "budget", "build", "building", "burn", "bus",
    "business", "busy", "button", "buy", "cake", "calculate", "calendar", "call", "calm", "camera",
    "camp", "campus", "cancel", "cancer", "candidate", "capable", "capital", "car", "card", "care",
    "career", "careful", "carry", "case", "cash", "cat", "catch", "cause", "cell", "center",
    "centre", "century", "certain", "certificate", "chain", "chair", "challenge", "chance",
    "change", "channel", "character", "charge", "cheap", "cheat", "check", "chemical", "chemistry",
    "chest", "chicken", "child", "childhood", "children", "choice", "choose", "citizen", "city",
    "civil", "claim", "class", "classic", "clean", "clear", "clever", "click", "client", "climate",
    "climb", "clock", "close", "cloth", "clothes", "cloud", "club", "coach", "coaching", "code",
    "coffee", "cold", "collect", "college", "color", "colour", "combine", "come", "comfort",
    "comfortable", "comment", "commerce", "commercial", "commit", "common", "communicate",
    "communication", "community", "company", "compare", "compete", "competition", "complete",
    "complex", "computer", "concept", "concern", "condition", "confidence", "confident",
    "conflict", "confuse", "connect", "connection", "consider", "constant", "construct", "consume",
    "consumer", "contact", "contain", "content", "contest", "context", "continue", "contract",
    "contribute", "control", "convert", "cook", "cool", "copy", "corner", "correct", "corrupt",
    "corruption", "cost", "count", "country", "couple", "courage", "course", "court", "cover",
    "crack", "crazy", "create", "creative", "credit", "crime", "criminal", "crisis", "cross",
    "cry", "cultural", "culture", "cure", "currency", "current", "currently", "curve", "custom",
    "customer", "cut", "cycle", "dad", "daily", "damage", "dance", "danger", "dangerous", "dark",
    "data", "date", "daughter", "day", "dead", "deal", "dear", "death", "debate", "debt", "decide",
    "decision", "decrease", "deep", "default", "define", "definition", "degree", "delay", "delete",
    "deliver", "demand", "democracy", "department", "depend", "depression", "depth", "describe",
    "deserve", "design", "desire", "destroy", "detail", "detect", "determine", "develop",
    "developer", "development", "device", "diet", "differ", "difference", "different", "difficult",
    "difficulty", "digital", "dinner", "direct", "direction", "director", "dirty", "disability",
    "disadvantage", "disappear", "discover", "discuss", "discussion", "disease", "disk", "dislike",
    "display", "distance", "divide", "divorce", "doctor", "document", "dog", "dollar", "door",
    "double", "doubt", "download", "draw", "dream", "dress", "drink", "drive", "driver", "drop",
    "drug", "dry", "due", "dumb", "during", "dust", "duty", "each", "ear", "early", "earn",
    "earth", "ease", "easily", "east", "easy", "eat", "economic", "economy", "education", "effect",
    "effective", "efficient", "effort", "egg", "eight", "either", "elect", "election", "electric",
    "electricity", "electronic", "element", "eliminate", "else", "email", "embarrass", "emergency",
    "emotion", "emotional", "employ", "employee", "employer", "employment", "empty", "encourage",
    "end", "enemy", "energy", "engine", "engineer", "engineering", "enjoy", "enough", "ensure",
    "enter", "entire", "entrance", "environment", "equal", "equation", "equipment", "error",
    "escape", "especially", "essay", "essential", "establish", "estate", "event", "ever", "every",
    "everybody", "everyday", "everyone", "everything", "everywhere", "evidence", "evil",
    "evolution", "exact", "exactly", "exam", "examination", "example", "excellent", "except",
    "exchange", "excite", "exercise", "exist", "existence", "exit", "expect", "expensive",
    "experience", "experiment", "expert", "explain", "explore", "export", "express", "extra",
    "extreme", "eye", "eyesight", "face", "fact", "factor", "factory", "fail", "failure", "fair",
    "faith", "fake", "fall", "false", "fame", "family", "famous", "fan", "far", "farm", "fashion",
    "fast", "fat", "father", "fault", "favor", "favorite", "favour", "favourite", "fear",
    "feature", "fee", "feed", "feel", "feeling", "female", "few", "field", "fight", "figure",
    "file", "fill", "film", "final", "finally", "finance", "financial", "find", "fine", "finger",
    "finish", "fire", "firm", "first", "fish", "fit", "five", "fix", "flat", "flight", "floor",
    "flow", "flower", "fly", "focus", "follow", "food", "foot", "football", "force", "foreign",
    "foreigner", "forest", "forever", "forget", "forgive", "form", "formal", "format", "former",
    "formula", "forward", "found", "four", "frame", "free", "freedom", "fresh", "friend",
    "friendly", "friendship", "front", "fruit", "full", "fun", "function", "fund", "funny",
    "further", "future", "gain", "game", "garden", "gas", "gay", "gender", "general", "generally",
    "generate", "generation", "genius", "gift", "girl", "girlfriend", "give", "glass", "global",
    "goal", "god", "gold", "good", "government", "grade", "graduate", "graduation", "grammar",
    "great", "green", "grey", "ground", "group", "grow", "growth", "guarantee", "guess", "guest",
    "guide", "guilty", "gun", "guy", "gym", "habit", "hack", "hair", "half", "hand", "handle",
    "handsome", "hang", "happen", "happiness", "happy", "hard", "hardest", "hardware", "hate",
    "have", "head", "health", "healthy", "hear", "heart", "heat", "heavy", "height", "hell",
    "help", "hero", "hide", "high", "highest", "hire", "history", "hit", "hobby", "hold",
    "holiday", "home", "homework", "honest", "hope", "horse", "hospital", "host", "hot", "hotel",
    "hour", "house", "household", "however", "huge", "human", "humanity", "hundred", "hungry",
    "hunt", "hurt", "husband", "ice", "idea", "ideal", "identify", "idiot", "ignore", "ill",
    "illegal", "image", "imagine", "immediate", "impact", "implement", "import", "important",
    "impossible", "impress", "improve", "incident", "include", "income", "increase", "independent",
    "indian", "individual", "industrial", "industry", "infection", "influence", "information",
    "inside", "inspire", "install", "instance", "instead", "institute", "institution",
    "instruction", "insurance", "intelligence", "intelligent", "intend", "interest", "interesting",
    "internal", "international", "internet", "internship", "interpret", "interview", "introduce",
    "invent", "invention", "invest", "investment", "invite", "involve", "iron", "island", "issue",
    "item", "jail", "jealous", "job", "join", "joke", "journal", "journey", "judge", "juice",
    "jump", "junior", "justice", "keep", "key", "keyboard", "kick", "kid", "kill", "kind", "king",
    "kiss", "kitchen", "knife", "know", "knowledge", "known", "lack", "lady", "lake", "land",
    "language", "laptop", "large", "last", "late", "later", "latest", "laugh", "launch", "law",
    "lawyer", "lay", "laziness", "lazy", "lead", "leader", "leadership", "learn", "least", "leave",
    "lecture", "left", "leg", "legal", "legit", "less", "lesson", "let", "letter", "level",
    "library", "license", "lie", "life", "lift", "light", "like", "likely", "limit", "line",
    "link", "lion", "list", "listen", "literature", "little", "live", "load", "loan", "local",
    "location", "lock", "logic", "lonely", "long", "look", "lose", "loss", "lost", "lot", "loud",
    "love", "low", "lower", "luck", "lucky", "lunch", "machine", "magic", "main", "maintain",
    "major", "make", "male", "man", "manage", "management", "manager", "manufacture", "map",
    "march", "mark", "market", "marketing", "marriage", "marry", "mass", "master", "match",
    "material", "math", "mathematics", "maths", "matter", "maximum", "mean", "meaning", "measure",
    "meat", "mechanical", "media", "medical", "medicine", "meet", "meeting", "member", "memory",
    "men", "mental", "mention", "message", "metal", "method", "middle", "might", "military",
    "milk", "million", "mind", "minimum", "minister", "minute", "mirror", "miss", "mistake", "mix",
    "mobile", "model", "modern", "mom", "moment", "money", "month", "moon", "moral", "morning",
    "most", "mother", "motivate", "motivation", "mountain", "mouse", "mouth", "move", "movement",
    "movie", "much", "multiple", "murder", "muscle", "music", "musician", "muslim", "must",
    "mystery", "nail", "name", "narrow", "nation", "national", "native", "natural", "nature",
    "near", "nearly", "necessary", "neck", "need", "negative", "neighbor", "nerve", "nervous",
    "network", "never", "new", "news", "newspaper", "next", "nice", "night", "nine", "nobody",
    "noise", "none", "normal", "north", "nose", "note", "notes", "nothing", "notice", "novel",
    "novels", "now", "nuclear", "number", "nurse", "obey", "object", "observe", "obtain",
    "obvious", "occur", "ocean", "offer", "office", "officer", "official", "oil", "old", "older",
    "one", "online", "open", "opera", "operate", "operation", "opinion", "opportunity", "oppose",
    "opposite", "option", "orange", "order", "ordinary", "organ", "organic", "organization",
    "original", "others", "otherwise", "outside", "overcome", "owner", "pack", "page", "pain",
    "paint", "pair", "paper", "parent", "park", "part", "partner", "party", "pass", "passion",
    "passport", "password", "past", "path", "patient", "pattern", "pay", "payment", "peace", "pen",
    "pension", "people", "percent", "percentage", "perfect", "perform", "performance", "perhaps",
    "period", "permanent", "permanently", "permission", "person", "personal", "personality", "pet",
    "phone", "photo", "photography", "phrase", "physical", "physics", "piano", "pick", "picture",
    "piece", "pilot", "pink", "place", "plan", "plane", "planet", "plant", "plastic", "play",
    "player", "please", "pleasure", "plot", "point", "police", "policy", "political", "politician",
    "politics", "pollution", "pool", "poor", "popular", "population", "porn", "position",
    "positive", "possibility", "possible", "post", "potential", "poverty", "power", "powerful",
    "practical", "practice", "prefer", "pregnancy", "pregnant", "preparation", "prepare",
    "present", "president", "press", "pressure", "pretty", "prevent", "previous", "price", "pride",
    "primary", "prime", "print", "prison", "private", "prize", "probability", "probably",
    "problem", "process", "processor", "produce", "product", "production", "profession",
    "professional", "professor", "profile", "profit", "program", "programmer", "programming",
    "progress", "project", "promise", "promote", "pronounce", "proof", "proper", "properly",
    "property", "propose", "protect", "protein", "proud", "prove", "provide", "psychology",
    "public", "publish", "pull", "punish", "purchase", "pure", "purpose", "push", "put",
    "qualification", "quality", "quantity", "queen", "question", "quick", "quickly", "quiet",
    "quit", "quite", "quote", "race", "radio", "rain", "raise", "random", "range", "rank", "rape",
    "rate", "rather", "ratio", "reach", "react", "read", "reader", "ready", "real", "reality",
    "realize", "really", "reason", "reasonable", "receive", "recent", "recently", "recipe",
    "recommend", "record", "recover", "recruit", "red", "reduce", "refer", "reference", "reflect",
    "refund", "refuse", "region", "register", "regret", "regular", "relate", "relation",
    "relationship", "relative", "relax", "release", "relevant", "religion", "religious", "rely",
    "remain", "remember", "remote", "remove", "rent", "repair", "repeat", "replace", "reply",
    "report", "represent", "request", "require", "requirement", "research", "reserve", "resource",
    "respect", "respond", "response", "rest", "restaurant", "result", "resume", "retire", "return",
    "reveal", "revenue", "reverse", "review", "reward", "rice", "rich", "rid", "ride", "right",
    "ring", "rise", "risk", "river", "road", "robot", "rock", "role", "roll", "romantic", "room",
    "root", "round", "routine", "row", "rule", "run", "rush", "sad", "safe", "safely", "safety",
    "salary", "sale", "salt", "same", "sand", "save", "say", "scam", "scared", "scene", "school",
    "science", "scientific", "scientist", "scope", "score", "screen", "script", "sea", "search",
    "season", "seat", "second", "secondary", "secret", "secretary", "section", "secure",
    "security", "see", "seek", "seem", "select", "self", "sell", "send", "senior", "sense",
    "sentence", "separate", "sequence", "series", "serious", "serve", "server", "service",
    "session", "set", "settle", "seven", "several", "severe", "sex", "sexual", "shadow", "shake",
    "shame", "shape", "share", "sharp", "she", "sheet", "shift", "ship", "shirt", "shoe", "shoot",
    "shop", "short", "shortcut", "should", "shoulder", "shout", "show", "shower", "shut", "shy",
    "sibling", "sick", "side", "sign", "signal", "silence", "silent", "silver", "similar",
    "simple", "since", "sing", "singer", "single", "sister", "sit", "site", "situation", "six",
    "size", "skill", "skin", "sleep", "slow", "small", "smart", "smartphone", "smell", "smile",
    "smoke", "smoking", "snow", "social", "society", "soft", "software", "soil", "soldier",
    "solid", "solution", "solve", "somebody", "someone", "something", "sometimes", "somewhere",
    "son", "song", "soon", "sort", "soul", "sound", "source", "south", "space", "speak", "speaker",
    "special", "specific", "speech", "speed", "spend", "spirit", "spiritual", "sport", "spread",
    "spring", "square", "staff", "stage", "stand", "standard", "star", "start", "startup", "state",
    "statement", "station", "statistics", "status", "stay", "steal", "steel", "step", "stick",
    "still", "stock", "stomach", "stone", "stop", "store", "story", "straight", "strange",
    "stranger", "strategy", "street", "strength", "stress", "strict", "strike", "strong",
    "structure", "struggle", "student", "study", "stuff", "stupid", "style", "subject", "succeed",
    "success", "successful", "sudden", "suffer", "sugar", "suggest", "suggestion", "suicide",
    "suit", "suitable", "summer", "sun", "supply", "support", "suppose", "sure", "surface",
    "surgery", "surprise", "survey", "survive", "suspect", "sweet", "swim", "switch", "symbol",
    "symptom", "system", "table", "take", "talent", "talk", "tall", "target", "task", "taste",
    "tax", "tea", "teach", "teacher", "team", "tear", "tech", "technical", "technique",
    "technology", "teen", "teenager", "teeth", "television", "temperature", "ten", "term",
    "terrible", "test", "text", "thank", "theme", "themselves", "theory", "therapy", "thick",
    "thin", "thing", "think", "third", "thirst", "though", "thought", "thousand", "threat",
    "three", "throw", "ticket", "tie", "till", "time", "tip", "tire", "tired", "title", "today",
    "together", "tomorrow", "tongue", "tonight", "too", "tool", "top", "topic", "total", "touch",
    "tough", "tour", "tourist", "toward", "town", "toy", "track", "trade", "tradition",
    "traditional", "traffic", "train", "training", "transfer", "translate", "transport", "travel",
    "treat", "treatment", "tree", "trend", "trial", "trick", "trip", "trouble", "truck", "true",
    "trust", "truth", "try", "turn", "tutorial", "twelve", "twice", "twin", "two", "type",
    "typical", "ugly", "ultimate", "uncle", "understand", "unhealthy", "unique", "unit",
    "universe", "university", "unknown", "unless", "unlike", "unusual", "update", "upgrade",
    "upload", "upset", "use", "used", "useful", "useless", "user", "usual", "usually", "vacation",
    "valid", "valuable", "value", "variable", "variety", "various", "vegetable", "vegetarian",
    "vehicle", "version", "victim", "video", "view", "village", "violence", "violent", "virgin",
    "virtual", "virus", "visa", "vision", "visit", "visitor", "vitamin", "voice", "volume", "vote",
    "wage", "wait", "wake", "walk", "wall", "want", "war", "warm", "wash", "waste", "watch",
    "water", "wave", "way", "weak", "weakness", "wealth", "wealthy", "weapon", "wear", "weather",
    "web", "website", "wedding", "week", "weekend", "weigh", "weight", "weird", "welcome", "well",
    "west", "wet", "whatever", "wheel", "whenever", "whereas", "wherever", "white", "whole",
    "wide", "wife", "wild", "win", "wind", "window", "wine", "winner", "winter", "wire", "wise",
    "wish", "woman", "women", "wonder", "wood", "word", "work", "worker", "world", "worry",
    "worse", "worst", "worth", "write", "writer", "writing", "wrong", "yard", "year", "yellow",
    "yes", "yesterday", "yet", "young", "yourself", "youth", "zero", "zone"};

template <size_t n>
bool contains(const std::array<std::string_view, n>& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

bool listed(std::string_view word) {
  return contains(kCommonWords, word) || contains(kFunctionWords, word);
}

// "studies", "stopped", "making": the plain form by dropping or replacing an ending.
bool listed_without(std::string_view word, std::string_view ending) {
  if (word.size() < ending.size() + 3 || !word.ends_with(ending)) return false;
  const std::string_view stem = word.substr(0, word.size() - ending.size());
  if (listed(stem) || listed(std::string(stem) + 'e')) return true;
  const char last = stem.back();
  if (last == 'i' && listed(std::string(stem.substr(0, stem.size() - 1)) + 'y')) return true;
  return stem[stem.size() - 2] == last && listed(stem.substr(0, stem.size() - 1));
}

}  // namespace

bool is_function_word(std::string_view folded) { return contains(kFunctionWords, folded); }

bool is_common_word(std::string_view folded) {
  if (listed(folded)) return true;
  constexpr std::string_view kEndings[] = {"s", "es", "ed", "ing", "er", "ers", "est", "ly", "ness"};
  for (const std::string_view ending : kEndings) {
    if (listed_without(folded, ending)) return true;
  }
  return false;
}

}  // namespace docmind::cache
