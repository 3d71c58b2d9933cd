// Which questions are hard: examples of every rule, in four languages.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "providers/generator_routes.h"

namespace docmind::providers {
namespace {

TEST(QuestionComplexity, ShortFactsAreNotHard) {
  for (const char* question : {
           "How heavy is the pump?",
           "How many kilograms does the pump weigh?",
           "What does the pump weigh?",
           "When do unused leave days expire?",
           "Who wrote the maintenance manual?",
           "Where is the spare key?",
           "Which port does the server listen on?",
           "What is the name of the person who approves invoices?",
           "How long is the warranty?",
           "How often must the pump be greased?",
           "default timeout",
           "Is the pump waterproof?",
           "What is the differential pressure of the valve?",
           "What is cache.threshold, by default?",
           "Wie schwer ist die Pumpe?",
           "Wie viele Urlaubstage gibt es?",
           "Wie heißt der Ansprechpartner für Rechnungen?",
           "Wann verfallen Urlaubstage?",
           "Welche Spannung braucht der Motor?",
           "Wie hoch ist der Grenzwert, den die Norm nennt?",
           "Combien pèse la pompe ?",
           "¿Cuánto pesa la bomba?",
           "",
       }) {
    const Complexity judged = judge_complexity(question, 6, 10'000);
    EXPECT_FALSE(judged.hard) << question << ": " << judged.reason;
    EXPECT_EQ(judged.reason, "is short and factual");
  }
}

TEST(QuestionComplexity, HardOnesSayWhy) {
  const std::pair<std::string, const char*> cases[] = {
      {"Compare the two pumps.", "asks for a comparison ('compare')"},
      {"What is the difference between HNSW and IVF?", "asks for a comparison ('difference')"},
      {"Is int8 better than int4?", "asks for a comparison ('better than')"},
      {"SQLite vs. Postgres", "asks for a comparison ('vs')"},
      {"Worin besteht der Unterschied zwischen A und B?", "asks for a comparison ('unterschied')"},
      {"Welche VORTEILE hat das Verfahren?", "asks for a comparison ('vorteil"},
      {"Was ist der Vorteil gegenüber Öl?", "asks for a comparison ('gegenüber')"},
      {"Quelle est la différence entre A et B ?", "asks for a comparison ('différence')"},
      {"Why does the pump stop?", "asks for a reason ('why')"},
      {"Warum fällt die Pumpe aus?", "asks for a reason ('warum')"},
      {"¿Por qué se para la bomba?", "asks for a reason ('por qué')"},
      {"Pourquoi la pompe s'arrête-t-elle ?", "asks for a reason ('pourquoi')"},
      {"Explain the cooling circuit", "asks for an explanation ('explain')"},
      {"How does the cache work?", "asks for an explanation ('how does')"},
      {"How do I change the filter?", "asks for an explanation ('how do')"},
      {"Wie funktioniert der Kühlkreislauf?", "asks for an explanation ('wie funktioniert')"},
      {"Erkläre den Kühlkreislauf", "asks for an explanation ('erkläre')"},
      {"Wie kann ich den Filter wechseln?", "asks for an explanation ('wie kann')"},
      {"Summarise chapter 3", "asks for a summary ('summarise')"},
      {"Give me an overview of the leave policy", "asks for a summary ('overview')"},
      {"Fasse das dritte Kapitel zusammen", "asks for a summary ('fasse')"},
      {"Résumez le chapitre 3", "asks for a summary ('résumez')"},
      {"Should we buy the larger pump?", "asks for a judgement ('should we')"},
      {"Welche Auswirkungen hat ein Ausfall?", "asks for a judgement ('auswirkungen')"},
      {"What does it weigh? What does it cost?", "has 2 question marks"},
      {"Ｗhat does it weigh？ And what does it cost？", "has 2 question marks"},
      {"Who built the pump and when was it sold?", "asks for several things ('and when')"},
      {"Wer baut die Pumpe und was kostet sie?", "asks for several things ('und was')"},
      {"the pump, the motor, the valve, their weights", "has 4 clauses"},
      {"What is the largest number of unused days of leave that somebody who works part time may take over into the "
       "next year?",
       "has 23 words, more than 20"},
      {std::string(201, 'x'), "has 201 bytes, more than 200"},
  };
  for (const auto& [question, reason] : cases) {
    const Complexity judged = judge_complexity(question, 6, 10'000);
    EXPECT_TRUE(judged.hard) << question;
    EXPECT_TRUE(judged.reason.starts_with(reason)) << question << ": " << judged.reason;
  }
}

TEST(QuestionComplexity, ManyPassagesAreHardToo) {
  EXPECT_FALSE(judge_complexity("How heavy is the pump?", 10, 20 << 10).hard);
  EXPECT_EQ(judge_complexity("How heavy is the pump?", 11, 0).reason, "needs 11 passages, more than 10");
  EXPECT_EQ(judge_complexity("How heavy is the pump?", 1, 40 << 10).reason,
            "needs 40 KiB of passages, more than 20 KiB");
  // The same question over the same passages goes the same way: cached answers rest on that.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(judge_complexity("Why?", 3, 100).reason, judge_complexity("Why?", 3, 100).reason);
  }
}

TEST(QuestionComplexity, AnyBytesAreJudged) {
  for (const std::string& question : {std::string("\xff\xfe\x00?", 4), std::string(1 << 20, '?'),
                                      std::string(100'000, ' '), std::string("\xed\xa0\x80 why")}) {
    const Complexity judged = judge_complexity(question, SIZE_MAX, SIZE_MAX);
    EXPECT_TRUE(judged.hard);
    EXPECT_LT(judged.reason.size(), 200U);
  }
}

}  // namespace
}  // namespace docmind::providers
