# Prints the vocabularies of Ruby's faker, all locales: one JSON object a line.
require 'faker'
require 'json'
require 'yaml'
root = File.join(Gem.loaded_specs['faker']&.full_gem_path || File.expand_path('..', $LOADED_FEATURES.grep(/faker\.rb$/).first), 'locales')
root = Dir['/usr/share/rubygems-integration/all/gems/faker-*/lib/locales', '/usr/lib/ruby/vendor_ruby/locales', root].find { |d| Dir.exist?(d) }
flat = ->(x) { case x when String then [x] when Array then x.flat_map { |e| flat.(e) } when Hash then x.values.flat_map { |e| flat.(e) } else [] end }
picks = { 'first' => %w[name.first_name name.male_first_name name.female_first_name name.neutral_first_name], 'last' => %w[name.last_name name.male_last_name name.female_last_name],
          'lorem' => %w[lorem.words lorem.supplemental], 'product' => %w[commerce.product_name], 'city' => %w[address.city_name address.city], 'job' => %w[job.title job.position job.seniority job.field name.title],
          'phrase' => %w[company.buzzwords company.bs hacker] }
Dir["#{root}/**/*.yml"].sort.each do |file|
  (YAML.load_file(file, aliases: true) rescue next).each do |locale, data|
    faker = data && data['faker'] or next
    picks.each do |kind, paths|
      words = paths.flat_map { |p| flat.(p.split('.').reduce(faker) { |d, k| d.is_a?(Hash) ? d[k] : nil }) }.reject { |w| w.include?('#{') }.uniq
      puts JSON.generate(source: 'faker-ruby', locale: locale, kind: kind, words: words) unless words.empty?
    end
  end
end
