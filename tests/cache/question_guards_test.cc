// QuestionGuards: pairs that must not share an answer, and pairs that a guard must let pass.
// SPDX-License-Identifier: Apache-2.0
#include "cache/question_guards.h"

#include <gtest/gtest.h>

#include <string>

namespace docmind::cache {
namespace {

struct Case {
  Guard guard;
  std::string_view a;
  std::string_view b;
};

constexpr Case kMustFire[] = {
    {Guard::kNumbers, "What was the revenue in 2023?", "What was the revenue in 2024?"},
    {Guard::kNumbers, "How do I install version 2.1?", "How do I install version 2.2?"},
    {Guard::kNumbers, "Is 10 kg too heavy?", "Is 10 lb too heavy?"},
    {Guard::kNumbers, "what is 5% of the price", "what is $5 of the price"},
    {Guard::kNumbers, "Who won the first race?", "Who won the second race?"},
    {Guard::kNumbers, "Can I earn 40,000 a month?", "Can I earn 50,000 a month?"},
    {Guard::kNumbers, "Which is better, the i5 or older?", "Which is better, the i7 or older?"},
    {Guard::kNumbers, "What happens in January?", "What happens in March?"},
    {Guard::kNumbers, "Best laptop under 60k", "Best laptop under 600"},
    {Guard::kNumbers, "How did World War I end?", "How did World War 2 end?"},
    {Guard::kNumbers, "How do I update Windows?", "How do I update Windows 10?"},
    {Guard::kNumbers, "How long are five turns?", "How long are 6 turns?"},
    {Guard::kNegation, "Is it on?", "Is it not on?"},
    {Guard::kNegation, "Why does it start?", "Why doesn't it start?"},
    {Guard::kNegation, "Why does it start?", "why doesnt it start"},
    {Guard::kNegation, "Can I print with a driver?", "Can I print without a driver?"},
    {Guard::kNegation, "Should I always back up?", "Should I never back up?"},
    {Guard::kNegation, "Is it possible to undo this?", "Is it impossible to undo this?"},
    {Guard::kNegation, "Which foods have sugar?", "Which foods have no sugar?"},
    {Guard::kQuotes, "What does \"soft limit\" mean?", "What does \"hard limit\" mean?"},
    {Guard::kQuotes, "What does `grep -v` do?", "What does `grep -c` do?"},
    {Guard::kQuotes, "Who sang “Yesterday”?", "Who sang “Michelle”?"},
    {Guard::kQuotes, "who said 'no way out'", "who said that"},
    {Guard::kNames, "What is the weather in Dublin?", "What is the weather in Oslo?"},
    {Guard::kNames, "what is the weather in dublin", "what is the weather in oslo"},
    {Guard::kNames, "What is the weather in Dublin?", "what is the weather in oslo"},
    {Guard::kNames, "What Is The Weather In Dublin?", "what is the weather in oslo"},
    {Guard::kNames, "Do skunks make good pets?", "Do ferrets make good pets?"},
    {Guard::kNames, "Is partshopper.com legit?", "Is autowini.com legit?"},
    {Guard::kNames, "Does IBM pay well?", "Does SAP pay well?"},
    {Guard::kNames, "How do I root an iPhone?", "How do I root a Nokia?"},
    {Guard::kNames, "How big is Austria?", "How big is Australia?"},
    {Guard::kNames, "What are the most used drugs in the U.S.?", "What are the most used drugs in the world?"},
    {Guard::kDirection, "How do you convert ethane to ethene?", "How do you convert ethene to ethane?"},
    {Guard::kDirection, "trains from Bonn to Mainz", "trains from Mainz to Bonn"},
    {Guard::kDirection, "What happens if India attack Pakistan?", "What happens if Pakistan attack India?"},
    {Guard::kDirection, "Is Rust better than Python?", "Is Python better than Rust?"},
    {Guard::kAsksFor, "How did the war begin?", "Why did the war begin?"},
    {Guard::kAsksFor, "When was it built?", "Who built it?"},
    {Guard::kAsksFor, "Which revision is the valve set to?", "When is the valve set?"},
    {Guard::kAsksFor, "Who has set the valve to its revision?", "Which revision is the valve set to?"},
    {Guard::kAsksFor, "Where can I park?", "How much can I park?"},
    {Guard::kAsksFor, "What is the best way to park?", "Why do you park?"},
    {Guard::kAntonyms, "How do I enable the cache?", "How do I disable the cache?"},
    {Guard::kAntonyms, "How can I increase the load?", "How can I decrease the load?"},
    {Guard::kAntonyms, "What is the maximum length?", "What is the minimum length?"},
    {Guard::kAntonyms, "What are the advantages of it?", "What are the disadvantages of it?"},
    {Guard::kAntonyms, "How do I gain weight?", "How do I lose weight?"},
};

constexpr std::string_view kMustPass[][2] = {
    {"What is a joule?", "what is a joule"},
    {"How do I lose weight?", "How can I lose weight?"},
    {"What is the best way to lose weight?", "How do I lose weight?"},
    {"Is 1,000 enough?", "Is 1000 enough?"},
    {"Is 10 kg enough?", "Is 10kg enough?"},
    {"Is 10 kilograms enough?", "Is 10 kg enough?"},
    {"Who won the 2nd race?", "Who won the second race?"},
    {"What are the 5 senses?", "What are the five senses?"},
    {"Which one is best?", "Which is best?"},
    {"Is USB 2.0 fast?", "Is USB 2 fast?"},
    {"How do I get an H1B visa?", "How do I get an H-1B visa?"},
    {"What may I eat?", "What can I eat?"},
    {"How many votes in Sept 2020?", "How many votes in September 2020?"},
    {"Is $10 enough?", "Is 10 dollars enough?"},
    {"Does 20k suffice?", "Does 20,000 suffice?"},
    {"Can I work or not?", "Can I work?"},
    {"Should I go, and why not?", "Should I go?"},
    {"Why doesn't it start?", "Why does it not start?"},
    {"Why can't I log in?", "Why am I unable to log in?"},
    {"What does \"hedge fund\" mean?", "What does hedge fund mean?"},
    {"What does ''inertia'' mean?", "what does inertia mean"},
    {"How does YouTube work?", "how does you tube work"},
    {"What does the World Health Organization do?", "What does the WHO do?"},
    {"What is the role of the united nations?", "What is the role of the UN?"},
    {"How do I move to Canada?", "How do I move to canada?"},
    {"How Do I Install Docker On Debian?", "how do i install docker on debian"},
    {"Is the Indian economy growing?", "Is India's economy growing?"},
    {"How do I learn javascript?", "How do I learn JavaScript?"},
    {"How do I use kuberntes?", "How do I use kubernetes?"},
    {"What is the difference between Rust and Go?", "What is the difference between Go and Rust?"},
    {"Rust vs Go, which is faster?", "Go vs Rust, which is faster?"},
    {"trains from Bonn to Mainz", "trains to Mainz from Bonn"},
    {"How far is the Sun from Earth?", "How far is Earth from the Sun?"},
    {"What is the reason for inflation?", "Why is there inflation?"},
    {"Why is it worth so much?", "How come it is worth so much?"},
    {"What are good books?", "What are some good books?"},
    {"How do I improve my laptop performance?", "How can I improve performance of my laptop?"},
    {"什么是焦耳？", "什么是焦耳"},
};

TEST(QuestionGuards, FireWhereTheAnswerDiffers) {
  for (const Case& one : kMustFire) {
    const GuardVerdict verdict = QuestionGuards::compare(one.a, one.b);
    EXPECT_TRUE(verdict.has(one.guard))
        << guard_name(one.guard) << ": " << one.a << " | " << one.b << " (" << verdict.reason << ")";
    EXPECT_FALSE(verdict.reason.empty());
  }
}

TEST(QuestionGuards, PassOtherWordsForTheSame) {
  for (const auto& [a, b] : kMustPass) {
    const GuardVerdict verdict = QuestionGuards::compare(a, b);
    EXPECT_TRUE(verdict.passed()) << a << " | " << b << " (" << verdict.reason << ")";
  }
}

TEST(QuestionGuards, AQuotationSignWithACombiningMarkEqualsItself) {
  const std::string odd = "u'''\xcc\x80'''''s";
  EXPECT_TRUE(QuestionGuards::compare(odd, odd).passed()) << QuestionGuards::compare(odd, odd).reason;
}

TEST(QuestionGuards, AreSymmetrical) {
  for (const Case& one : kMustFire) {
    EXPECT_EQ(QuestionGuards::compare(one.a, one.b).fired, QuestionGuards::compare(one.b, one.a).fired);
  }
}

TEST(QuestionGuards, SayWhatDiffers) {
  EXPECT_EQ(QuestionGuards::compare("sales in 2023", "sales in 2024").reason,
            "numbers differ: 2023, 2024");
  EXPECT_EQ(QuestionGuards::compare("enable it", "disable it").reason, "opposites: disable, enable");
}

TEST(QuestionGuards, MeasureHowAlikeTheWordsAre) {
  const GuardVerdict same = QuestionGuards::compare("Where is the key?", "where is the key");
  EXPECT_DOUBLE_EQ(same.word_overlap, 1);
  EXPECT_DOUBLE_EQ(same.length_ratio, 1);
  EXPECT_DOUBLE_EQ(same.likeness.verbatim, 1);
  EXPECT_DOUBLE_EQ(same.likeness.asks_alike, 1);
  const GuardVerdict part = QuestionGuards::compare("red green blue", "red green");
  EXPECT_DOUBLE_EQ(part.word_overlap, 2.0 / 3);
  EXPECT_DOUBLE_EQ(part.length_ratio, 2.0 / 3);
  EXPECT_DOUBLE_EQ(QuestionGuards::compare("red", "seven mills").word_overlap, 0);
}

TEST(QuestionGuards, CountWhatChanged) {
  const auto changes = [](std::string_view a, std::string_view b, WordingChange kind) {
    return QuestionGuards::compare(a, b).likeness.changes[static_cast<size_t>(kind)];
  };
  EXPECT_EQ(changes("find the key", "find a key", WordingChange::kArticle), 1);
  EXPECT_EQ(changes("find the key", "find the keys", WordingChange::kPlural), 1);
  EXPECT_EQ(changes("how do I find it", "how do you find it", WordingChange::kPerson), 1);
  EXPECT_EQ(changes("what is it", "which is it", WordingChange::kWhich), 1);
  EXPECT_EQ(changes("wash a car", "wash a horse", WordingChange::kCommonTopic), 1);
  EXPECT_EQ(changes("wash a lorry", "wash a gnu", WordingChange::kRareTopic), 1);
  const auto same = QuestionGuards::compare("wash a car", "wash a car").likeness.changes;
  for (const uint8_t n : same) EXPECT_EQ(n, 0);
}

TEST(QuestionGuards, PreferTheCloserWording) {
  const auto close = [](std::string_view other) {
    return closeness(0.9, QuestionGuards::compare("How do I open a bank account?", other));
  };
  EXPECT_GT(close("How can I open a bank account?"), close("Why open a bank account with money?"));
  EXPECT_GT(close("How can I open a bank account?"), close("How do I close a bank account?"));
}

TEST(QuestionGuards, TakeAnyBytesAndLongTexts) {
  const std::string bad = std::string("\xff\xfe '\"`\xe2\x80") + std::string(1, '\0') + "1.,2 n't";
  EXPECT_TRUE(QuestionGuards::compare(bad, bad).passed());
  EXPECT_TRUE(QuestionGuards::compare("", "").passed());
  (void)QuestionGuards::compare("", bad);
  std::string words;
  std::string numbers;
  std::string quotes;
  for (int i = 0; i < 4000; ++i) {
    words += "Word" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i * 7) + " to ";
    numbers += std::to_string(i) + "kg, ";
    quotes += "'q" + std::to_string(i) + "' \"";
  }
  (void)QuestionGuards::compare(words, numbers);
  (void)QuestionGuards::compare(quotes, words);
  EXPECT_TRUE(QuestionGuards::compare(words, words).passed());
}

}  // namespace
}  // namespace docmind::cache
