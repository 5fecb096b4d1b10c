import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.parser.IParser;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.CodeSystem;
import org.hl7.fhir.r4.model.StructureDefinition;
import org.hl7.fhir.r4.model.ValueSet;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

/**
 * Judges R4 resources with HAPI's FhirInstanceValidator.
 *
 * <p>Arguments: number of threads, then files with one definition a line (StructureDefinition,
 * ValueSet, CodeSystem). Standard input: one resource a line. Standard output: one JSON object a
 * finding, in the order of the resources: {@code index} (line of the resource, from 0), {@code
 * severity}, {@code place} (FHIRPath), {@code message_id} (null when the validator gives none),
 * {@code message}. What is below a warning is not told. Nothing is fetched from a network.
 */
public final class Judge {
  private Judge() {}

  /** Reads, judges and writes; see the class. */
  public static void main(String[] arguments) throws Exception {
    FhirValidator validator = validator(List.of(arguments).subList(1, arguments.length));
    ExecutorService threads = Executors.newFixedThreadPool(Integer.parseInt(arguments[0]));
    try {
      write(judged(validator, threads));
    } finally {
      threads.shutdownNow();
    }
  }

  private static FhirValidator validator(List<String> files) throws IOException {
    FhirContext context = FhirContext.forR4Cached();
    // A code system that is not here says nothing about the resource: it is no error.
    UnknownCodeSystemWarningValidationSupport unknown =
        new UnknownCodeSystemWarningValidationSupport(context);
    unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.WARNING);
    // The chain caches what its members answer.
    ValidationSupportChain chain =
        new ValidationSupportChain(
            definitions(context, files),
            new DefaultProfileValidationSupport(context),
            new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context),
            new SnapshotGeneratingValidationSupport(context),
            unknown);
    FhirInstanceValidator module = new FhirInstanceValidator(chain);
    module.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
    return context.newValidator().registerValidatorModule(module);
  }

  private static PrePopulatedValidationSupport definitions(FhirContext context, List<String> files)
      throws IOException {
    PrePopulatedValidationSupport found = new PrePopulatedValidationSupport(context);
    IParser parser = context.newJsonParser();
    for (String file : files) {
      for (String line : Files.readAllLines(Path.of(file))) {
        IBaseResource definition = parser.parseResource(line);
        if (definition instanceof StructureDefinition profile) {
          found.addStructureDefinition(profile);
        } else if (definition instanceof ValueSet values) {
          found.addValueSet(values);
        } else if (definition instanceof CodeSystem codes) {
          found.addCodeSystem(codes);
        } else {
          throw new IllegalArgumentException(file + ": no definition: " + definition.fhirType());
        }
      }
    }
    return found;
  }

  private static List<Future<List<SingleValidationMessage>>> judged(
      FhirValidator validator, ExecutorService threads) throws IOException {
    List<Future<List<SingleValidationMessage>>> found = new ArrayList<>();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String resource = line;
      found.add(threads.submit(() -> validator.validateWithResult(resource).getMessages()));
    }
    return found;
  }

  private static void write(List<Future<List<SingleValidationMessage>>> findings)
      throws ExecutionException, InterruptedException {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (int index = 0; index < findings.size(); index++) {
      for (SingleValidationMessage one : findings.get(index).get()) {
        if (one.getSeverity().compareTo(ResultSeverityEnum.WARNING) >= 0) {
          out.printf(
              "{\"index\":%d,\"severity\":%s,\"place\":%s,\"message_id\":%s,\"message\":%s}%n",
              index,
              text(one.getSeverity().getCode()),
              text(one.getLocationString()),
              text(one.getMessageId()),
              text(one.getMessage()));
        }
      }
    }
    out.flush();
  }

  private static String text(String value) {
    if (value == null) {
      return "null";
    }
    StringBuilder quoted = new StringBuilder("\"");
    for (char one : value.toCharArray()) {
      if (one == '"' || one == '\\') {
        quoted.append('\\').append(one);
      } else if (one < ' ') {
        quoted.append(String.format("\\u%04x", (int) one));
      } else {
        quoted.append(one);
      }
    }
    return quoted.append('"').toString();
  }
}
